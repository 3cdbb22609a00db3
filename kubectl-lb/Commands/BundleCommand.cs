using System.CommandLine;
using System.Globalization;
using LoadBalancer.Kubectl.Bundle;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubectl.Output;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubectl.Commands;

/// <summary><c>bundle</c>.</summary>
internal static class BundleCommand
{
    private const int LogLines = 2000;
    private const int ControllerPort = 7472;
    private const int SpeakerPort = 7473;

    /// <summary>The command.</summary>
    public static Command Create(CommonFlags flags, Terminal terminal)
    {
        var file = new Option<string?>("--file", "-f") { HelpName = "FILE", Description = "Where the archive goes. Default: loadbalancer-TIME.tar.gz in this folder." };
        var command = new Command("bundle", "One archive for a bug report: status, findings, configuration, logs, metrics; no Secret. What is left out is said in it.") { file };
        command.SetAction(async (parsed, stop) =>
        {
            using var connection = flags.Connect(parsed);
            var begun = terminal.Time.GetTimestamp();
            var view = await flags.Reader(parsed, connection).ReadAsync(Parts.Programs | Parts.Services | Parts.Nodes | Parts.Config, [], stop).ConfigureAwait(false);
            var (now, took) = (terminal.Time.GetUtcNow(), terminal.Time.GetElapsedTime(begun));
            var reader = CommonFlags.ReaderOf(connection);
            var pods = (view.Controllers ?? []).Select(static told => (told.Pod, Port: ControllerPort)).Concat((view.Speakers ?? []).Select(static told => (told.Pod, Port: SpeakerPort)));
            var ofPods = await Task.WhenAll(pods.Select(pod => ReadAsync(reader, new ObjectKey(view.SystemNamespace, pod.Pod), pod.Port, stop))).ConfigureAwait(false);
            var name = string.Create(CultureInfo.InvariantCulture, $"loadbalancer-{now:yyyyMMdd-HHmmss}");
            var path = parsed.GetValue(file) ?? name + ".tar.gz";
            try
            {
                await using var archive = new FileStream(path, FileMode.CreateNew);
                await BundleArchive.WriteAsync(archive, name, BundleMaker.All(view, now, took, ofPods.SelectMany(static files => files)), now, stop).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new UsageException($"{path} cannot be written: {e.Message}", e);
            }

            await terminal.Out.WriteLineAsync(path).ConfigureAwait(false);
            await terminal.Error.WriteAsync(BundleMaker.Readme).ConfigureAwait(false);
            return view.Unread.Count == 0 ? Exit.Well : Exit.Wrong;
        });
        return command;
    }

    private static async Task<IReadOnlyList<BundleFile>> ReadAsync(ApiReader reader, ObjectKey pod, int port, CancellationToken stop) =>
    [
        await OneAsync($"{pod.Name}/metrics.txt", () => reader.GetFromPodAsync(pod, port, "metrics", stop)).ConfigureAwait(false),
        await OneAsync($"{pod.Name}/log.txt", () => reader.GetLogAsync(pod, LogLines, stop)).ConfigureAwait(false),
    ];

    // What cannot be had is said in its place.
    private static async Task<BundleFile> OneAsync(string name, Func<Task<byte[]>> read)
    {
        try
        {
            return new BundleFile(name, await read().ConfigureAwait(false));
        }
        catch (HttpRequestException e)
        {
            return BundleFile.Of(name, $"could not be read: {e.Message}\n");
        }
    }
}
