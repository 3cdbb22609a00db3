using System.CommandLine;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubectl.Page;
using LoadBalancer.Kubernetes.ListWatch;

namespace LoadBalancer.Kubectl.Commands;

/// <summary><c>page</c>.</summary>
internal static class PageCommand
{
    private const int ControllerPort = 7472;

    /// <summary>The command.</summary>
    public static Command Create(CommonFlags flags, Terminal terminal)
    {
        var port = new Option<int>("--port") { HelpName = "PORT", Description = "The port of this machine. Default: any that is free." };
        port.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > 65535)
            {
                result.AddError("--port: a port is between 1 and 65535.");
            }
        });
        var quiet = new Option<bool>("--no-browser") { Description = "Write the address and open nothing." };
        var command = new Command("page", "Opens the status page of a controller through kubectl port-forward, until it is interrupted.") { port, quiet };
        command.SetAction(async (parsed, stop) =>
        {
            using var connection = flags.Connect(parsed);
            var (reader, space) = (CommonFlags.ReaderOf(connection), parsed.GetValue(flags.SystemNamespace)!);
            var forward = new PortForward("kubectl", flags.Passed(parsed));
            var session = new PageSession(terminal, parsed.GetValue(port))
            {
                Pods = async cancel =>
                [
                    .. (await reader.ListAsync(ResourceKinds.Pods, ClusterReader.PodsOf(space, "controller"), cancel).ConfigureAwait(false))
                        .OrderByDescending(static pod => pod.Ready).ThenBy(static pod => pod.Key.Name, StringComparer.Ordinal).Select(static pod => pod.Key.Name),
                ],
                Forward = (pod, local, opened, cancel) => forward.RunAsync(space, pod, local, ControllerPort, opened, cancel),
                Browse = parsed.GetValue(quiet) ? static _ => { } : Browsers.Open,
            };
            return await session.RunAsync(stop).ConfigureAwait(false);
        });
        return command;
    }
}
