using LoadBalancer.Kubectl.Commands;
using LoadBalancer.Kubectl.Output;

return await KubectlCommand.RunAsync(args, new Terminal(
    Console.Out, Console.Error, Console.In, Paper.WantsColour(Console.IsOutputRedirected, Environment.GetEnvironmentVariable), TimeProvider.System));
