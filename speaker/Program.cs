using LoadBalancer.Hosting;
using LoadBalancer.Speaker;

var command = new ProgramCommand(
    "Runs on every node and answers ARP for the Services' addresses this node owns, so that their traffic comes here.",
    defaultListen: ":7473");
var read = SpeakerOptions.AddTo(command);
return await command.RunAsync(args, (options, parsed) => SpeakerProgram.RunAsync(options, read(parsed)));
