using LoadBalancer.Core.Pools;

namespace LoadBalancer.Kubernetes.Configuration;

/// <summary>
/// A Kubernetes object where the pools belong: most guides for MetalLB show its resources, and they are pasted into the key. One problem that
/// says what it is, instead of one for each of its keys.
/// </summary>
internal static class PastedObject
{
    private const string Example = "address-pools: [{name: default, protocol: layer2, addresses: [192.168.1.240-192.168.1.250]}]";
    private const int MostNamed = 5;

    /// <summary>The problem, or null if there is no such object.</summary>
    public static ConfigProblem? Find(IEnumerable<ConfigNode> documents)
    {
        var roots = documents.ToList();
        return MetalLBConversion.Of(roots) is { } conversion ? OfMetalLB(conversion)
            : roots.SelectMany(KubernetesObject.In).FirstOrDefault(static found => found.IsComplete) is { } other ? OfAnother(other)
            : null;
    }

    private static ConfigProblem OfMetalLB(MetalLBConversion conversion)
    {
        var named = string.Join(", ", conversion.Resources.Take(MostNamed));
        var more = conversion.Resources.Count > MostNamed ? $" and {conversion.Resources.Count - MostNamed} more" : "";
        return Error(conversion.First,
            $"this is MetalLB's configuration since 0.13 ({named}{more}), and this key takes the form of its ConfigMap",
            (conversion.HasPools ? $"write instead: {conversion.ToLine()}" : $"write the pools in that form, such as {Example}")
            + (conversion.Losses.Count > 0 ? $". Not carried over: {string.Join("; ", conversion.Losses)}" : ""));
    }

    private static ConfigProblem OfAnother(KubernetesObject found) => Error(found.Node,
        $"this is a Kubernetes object ({found}), and this key takes the pools alone",
        found.Kind == "ConfigMap"
            ? $"put here only what stands under its data.{PoolConfigSource.DataKey}, or apply the manifest itself with kubectl"
            : $"write the pools, such as {Example}");

    private static ConfigProblem Error(ConfigNode at, string message, string remedy) =>
        new(ConfigSeverity.Error, at.Line, at.Column, "", message, remedy);
}
