using LoadBalancer.Core.Pools;
using LoadBalancer.Kubectl.Check;
using LoadBalancer.Kubernetes.Configuration;

namespace LoadBalancer.Kubectl.Migrate;

/// <summary>Which load balancer a configuration is of.</summary>
internal enum Origin
{
    /// <summary>MetalLB since 0.13: resources.</summary>
    MetalLB,

    /// <summary>MetalLB up to 0.12: its ConfigMap, which works here as it is.</summary>
    MetalLBConfigMap,

    /// <summary>kube-vip's cloud provider.</summary>
    KubeVip,
}

/// <summary>Another load balancer's configuration in the form of ours. Pure.</summary>
/// <param name="From">Whose it was.</param>
/// <param name="Pools">The value of the ConfigMap's key.</param>
/// <param name="Losses">What it does not say.</param>
/// <param name="Problems">What our programs would say to it.</param>
internal sealed record Migration(Origin From, string Pools, IReadOnlyList<string> Losses, IReadOnlyList<ConfigProblem> Problems)
{
    /// <summary>Whether the programs would take it.</summary>
    public bool Well => !Problems.Any(static problem => problem.Severity == ConfigSeverity.Error);

    /// <summary>Converts what was found in files or a cluster; null if none of it is another load balancer's.</summary>
    public static Migration? Of(IReadOnlyList<string> texts)
    {
        var roots = texts.SelectMany(static text => ManifestText.Read(text).Roots).ToArray();
        if (MetalLBConversion.Of(roots) is { } resources)
        {
            return Checked(Origin.MetalLB, resources.ToText(), resources.Losses);
        }

        foreach (var found in roots.SelectMany(KubernetesObject.In))
        {
            var data = found.Kind == "ConfigMap" ? ManifestText.At(found.Node, "data") : null;
            if (data is null && ManifestText.At(found.Node, "address-pools") is not null)
            {
                return Checked(Origin.MetalLBConfigMap, texts.First(static text => text.Contains("address-pools", StringComparison.Ordinal)), []);
            }

            if (ManifestText.At(data, PoolConfigSource.DataKey) is ConfigScalar text)
            {
                return Checked(Origin.MetalLBConfigMap, text.Value, []);
            }

            if (data is ConfigMapping mapping && KubeVipConversion.Of(Pairs(mapping)) is { } kubeVip)
            {
                return Checked(Origin.KubeVip, kubeVip.ToText(), kubeVip.Losses);
            }
        }

        return null;
    }

    /// <summary>The manifest of the ConfigMap, with what it does not say as comments.</summary>
    public string ToManifest(string @namespace, string name) =>
        string.Concat(Losses.Select(static loss => $"# not carried over: {loss.ReplaceLineEndings(" ")}\n"))
        + $"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: {@namespace}\ndata:\n  {PoolConfigSource.DataKey}: |\n"
        + string.Concat(Pools.TrimEnd('\n').Split('\n').Select(static line => line.Length == 0 ? "\n" : $"    {line}\n"));

    /// <summary>What to do, in this order, so that every Service keeps its address.</summary>
    public IReadOnlyList<string> Steps(string @namespace) =>
    [
        "put the images onto every node (docs/install.md): from here on it is about seconds",
        $"kubectl apply -f manifests/loadbalancer.yaml; the programs wait at 0/1 without the ConfigMap (namespace {@namespace})",
        From == Origin.KubeVip
            ? "kubectl -n kube-system scale deployment kube-vip-cloud-provider --replicas 0 (so that nothing more is given out)"
            : "kubectl -n metallb-system scale deployment controller --replicas 0 (so that nothing more is given out)",
        From == Origin.KubeVip
            ? "kubectl -n kube-system delete daemonset kube-vip-ds --wait=true && kubectl apply -f pools.yaml, in one line: between the two nobody answers. If kube-vip also carries the control plane's own address, switch off only its services (svc_enable=false)"
            : "kubectl -n metallb-system delete daemonset speaker --wait=true && kubectl apply -f pools.yaml, in one line: between the two nobody answers",
        "kubectl lb status: every Service has the address it had (docs/migrate.md)",
    ];

    private static Migration Checked(Origin origin, string pools, IReadOnlyList<string> losses) => new(origin, pools, losses, PoolConfigText.Read(pools).Problems);

    private static Dictionary<string, string> Pairs(ConfigMapping mapping)
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in mapping.Entries)
        {
            if (entry.Value is ConfigScalar value)
            {
                pairs[entry.Key.Value] = value.Value;
            }
        }

        return pairs;
    }
}
