using System.CommandLine;
using System.Net;
using LoadBalancer.Kubectl.Migrate;
using LoadBalancer.Kubectl.Output;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubectl.Commands;

/// <summary><c>migrate FILE…|--from-cluster</c>.</summary>
internal static class MigrateCommand
{
    // Where other load balancers keep their ConfigMaps by default.
    private static readonly ObjectKey[] ConfigMaps = [new("metallb-system", "config"), new("kube-system", "kubevip")];

    /// <summary>The command.</summary>
    public static Command Create(CommonFlags flags, Terminal terminal)
    {
        var fromCluster = new Option<bool>("--from-cluster") { Description = "Read MetalLB's resources or ConfigMap, or kube-vip's ConfigMap, from the cluster." };
        var files = new Argument<string[]>("FILE") { Description = "Manifests of MetalLB or kube-vip; - is standard input.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("migrate", "MetalLB's or kube-vip's configuration as our ConfigMap on standard output; what is lost and what to do on standard error.") { fromCluster, files };
        command.SetAction(async (parsed, stop) =>
        {
            List<string> texts = [];
            foreach (var file in parsed.GetValue(files) ?? [])
            {
                texts.Add(await CheckCommand.ReadAsync(file, terminal, stop).ConfigureAwait(false));
            }

            if (parsed.GetValue(fromCluster))
            {
                using var connection = flags.Connect(parsed);
                texts.AddRange(await ReadClusterAsync(CommonFlags.ReaderOf(connection), stop).ConfigureAwait(false));
            }
            else if (texts.Count == 0)
            {
                throw new UsageException("name the files to convert, or --from-cluster");
            }

            if (Migration.Of(texts) is not { } migration)
            {
                throw new UsageException("there is no configuration of MetalLB or kube-vip in it: IPAddressPools and L2Advertisements, a ConfigMap with the key 'config', or one with 'cidr-…' and 'range-…'");
            }

            var space = parsed.GetValue(flags.SystemNamespace)!;
            await terminal.Out.WriteAsync(migration.ToManifest(space, parsed.GetValue(flags.ConfigMap)!)).ConfigureAwait(false);
            await terminal.Error.WriteAsync(Notes(migration, space)).ConfigureAwait(false);
            return migration.Well ? Exit.Well : Exit.Wrong;
        });
        return command;
    }

    private static string Notes(Migration migration, string space)
    {
        var paper = new Paper(isColoured: false);
        foreach (var problem in migration.Problems)
        {
            paper.Line($"{problem.Severity.ToString().ToUpperInvariant()}  {problem}");
        }

        foreach (var loss in migration.Losses)
        {
            paper.Line($"Not carried over: {loss}");
        }

        foreach (var (step, index) in migration.Steps(space).Select(static (step, index) => (step, index)))
        {
            paper.Line(FormattableString.Invariant($"{index + 1}. {step}"));
        }

        return paper.ToString();
    }

    private static async Task<IReadOnlyList<string>> ReadClusterAsync(ApiReader reader, CancellationToken stop)
    {
        List<string> texts = [];
        foreach (var resource in new[] { ApiResource.MetalLBPools, ApiResource.MetalLBAdvertisements, ApiResource.MetalLBPeers })
        {
            try
            {
                texts.Add(System.Text.Encoding.UTF8.GetString(await reader.ListAsync(resource, "v1beta1", "", stop).ConfigureAwait(false)));
            }
            catch (ApiException e) when (e.StatusCode == HttpStatusCode.NotFound)
            {
                // That is not installed here; BGPPeer has a version of its own, too.
            }
        }

        foreach (var key in ConfigMaps)
        {
            foreach (var found in await reader.ListAsync(ResourceKinds.ConfigMaps, ResourceSelection.One(key), stop).ConfigureAwait(false))
            {
                texts.Add(TextOf(found));
            }
        }

        return texts;
    }

    // As a manifest again, so that it goes the way a file goes.
    private static string TextOf(ConfigMapResource map) =>
        $"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {map.Key.Name}, namespace: {map.Key.Namespace}}}\ndata:\n"
        + string.Concat(map.Data.Select(static entry => $"  {System.Text.Json.JsonEncodedText.Encode(entry.Key).ToString().Insert(0, "\"")}\": \"{System.Text.Json.JsonEncodedText.Encode(entry.Value)}\"\n"));
}
