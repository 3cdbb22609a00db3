using System.CommandLine;
using System.Net;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubectl.Output;
using LoadBalancer.Kubectl.Page;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

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
        var command = new Command("page", "Opens the status page of a controller by port-forward, until it is interrupted.") { port, quiet };
        command.SetAction(async (parsed, stop) =>
        {
            using var connection = flags.Connect(parsed);
            var (reader, space) = (CommonFlags.ReaderOf(connection), parsed.GetValue(flags.SystemNamespace)!);
            using var relay = new PageRelay(parsed.GetValue(port), terminal.Error)
            {
                Pods = async cancel =>
                [
                    .. (await reader.ListAsync(ResourceKinds.Pods, ClusterReader.PodsOf(space, "controller"), cancel).ConfigureAwait(false))
                        .OrderByDescending(static pod => pod.Ready).ThenBy(static pod => pod.Key.Name, StringComparer.Ordinal).Select(static pod => pod.Key.Name),
                ],
                Connect = (pod, cancel) => reader.ConnectToPodAsync(new ObjectKey(space, pod), ControllerPort, cancel),
            };
            try
            {
                await relay.TryAsync(stop).ConfigureAwait(false);
            }
            catch (HttpRequestException e)
            {
                await terminal.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
                if (e is ApiException { StatusCode: HttpStatusCode.Forbidden })
                {
                    await terminal.Error.WriteLineAsync($"It takes the rights to list pods, and to get and create pods/portforward, in the namespace {space}.").ConfigureAwait(false);
                }

                return Exit.Wrong;
            }

            await terminal.Out.WriteLineAsync(relay.Address.ToString()).ConfigureAwait(false);
            await terminal.Out.FlushAsync(stop).ConfigureAwait(false);
            if (!parsed.GetValue(quiet))
            {
                Browsers.Open(relay.Address.ToString());
            }

            await relay.RunAsync(stop).ConfigureAwait(false);
            return Exit.Well;
        });
        return command;
    }
}
