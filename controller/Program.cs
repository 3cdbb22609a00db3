using LoadBalancer.Controller;
using LoadBalancer.Hosting;

var command = new ProgramCommand(
    "Gives each Service of type LoadBalancer an address from the pools in the ConfigMap. Of several replicas one does it; the others wait.",
    defaultListen: ":7472");
var markLostNodes = command.Add("--mark-lost-nodes", "true|false",
    "Mark the pods of a node not ready as soon as the speakers agree that it is lost. Needs the rights of the component mark-lost-nodes.",
    "false", ProgramCommand.ParseBool);
return await command.RunAsync(args, (options, parsed) => ControllerProgram.RunAsync(options, parsed.GetValue(markLostNodes)));
