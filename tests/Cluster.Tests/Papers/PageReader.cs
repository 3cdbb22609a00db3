using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.LocalCluster.Workloads;
using LocalClusterOf = LoadBalancer.LocalCluster.Cluster;

namespace LoadBalancer.Cluster.Tests.Papers;

/// <summary>
/// Somebody who types what a page says, at a machine of the LAN with a copy of the tree's manifests and kubectl. A command that fails is tried
/// again for a while, as people do: what the one before it asked for may take a moment.
/// </summary>
internal sealed partial class PageReader(LocalClusterOf cluster)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly string _folder = Directory.CreateTempSubdirectory("page-").FullName;

    /// <summary>Puts the manifests where the page's commands expect them.</summary>
    internal void Begin() => Tool.Run("cp", ["-a", Path.Combine(ProgramFile.Root, "manifests"), _folder]);

    internal void End() => Directory.Delete(_folder, recursive: true);

    /// <summary>Does what a block says; throws if that does not succeed.</summary>
    internal async Task FollowAsync(PageBlock block)
    {
        switch (block.Language)
        {
            case "console":
                foreach (string command in block.Commands())
                {
                    await RunAsync(command);
                    await StartPodsAsync(command);
                }

                break;
            case "yaml" when FileName().Match(block.Lines[0]) is { Success: true } name:
                string file = Path.Combine(_folder, name.Groups[1].Value);
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                await File.WriteAllLinesAsync(file, block.Lines);
                break;
            case "yaml":
                await RunAsync($"kubectl apply -f - <<'END'\n{string.Join('\n', block.Lines)}\nEND");
                break;
            case "text":
                break;
            default:
                throw new InvalidOperationException($"line {block.Line}: a block of '{block.Language}'; say console, yaml or text, or mark it: <!-- needs: … -->");
        }
    }

    private async Task RunAsync(string command)
    {
        // The nodes of this cluster are called n1, n2 and n3.
        string here = NodeName().Replace(command, "n$1");
        ToolResult last = new(command, 0, "", "");
        await Eventually.GetAsync(
            () =>
            {
                last = cluster.Client.Network.Try("env",
                [
                    "-C", _folder, $"KUBECONFIG={cluster.AdminKubeconfig}", $"HOME={_folder}", "EDITOR=true", "timeout", "60", "sh", "-c", here,
                ]);
                return Task.FromResult(last.ExitCode == 0 ? last : null);
            },
            Patience, $"`{command}` succeeds", () => $"{last.ExitCode}: {last.Errors} {last.Output}");
    }

    /// <summary>Plays the kubelets: a Deployment that was just created gets its pods, with a page that has a title.</summary>
    private async Task StartPodsAsync(string command)
    {
        if (Deployment().Match(command) is not { Success: true } created)
        {
            return;
        }

        string name = created.Groups[1].Value;
        JsonNode spec = (await cluster.Api.GetAsync($"/apis/apps/v1/namespaces/default/deployments/{name}"))["spec"]!;
        for (int number = 0; number < spec.Number("replicas"); number++)
        {
            await cluster.AddAsync(Pod.Start($"{name}-{number}", cluster.Nodes[number], spec.Map("template")!, "<title>Welcome</title>\n"), "default");
        }
    }

    [GeneratedRegex(@"\bnode(\d)\b")]
    private static partial Regex NodeName();

    [GeneratedRegex(@"^# (\S+/\S+\.yaml)$")]
    private static partial Regex FileName();

    [GeneratedRegex(@"^kubectl create deployment (\S+)")]
    private static partial Regex Deployment();
}
