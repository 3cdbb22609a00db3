using LoadBalancer.Controller;
using LoadBalancer.Hosting;

var command = new ProgramCommand(
    "Gives each Service of type LoadBalancer an address from the pools in the ConfigMap. Of several replicas one does it; the others wait.",
    defaultListen: ":7472");
return await command.RunAsync(args, (options, _) => ControllerProgram.RunAsync(options));
