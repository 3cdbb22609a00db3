using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Controller.Exclusions;

/// <summary>A range that the cluster uses inside: a node's pods, or the cluster address of a Service.</summary>
/// <param name="Range">The addresses.</param>
/// <param name="Text">For people: <c>the pod range 10.244.1.0/24 of node n1</c>.</param>
internal sealed record ClusterRange(IpRange Range, string Text)
{
    /// <summary>What is known of the cluster's ranges. The service range itself is told nowhere before Kubernetes 1.33; its members are.</summary>
    public static IEnumerable<ClusterRange> In(ControllerStores stores)
    {
        foreach (var node in stores.Nodes.All().OrderBy(static node => node.Key.Name, StringComparer.Ordinal))
        {
            foreach (var text in node.PodRanges)
            {
                if (IpPrefix.TryParse(text, out var prefix))
                {
                    yield return new ClusterRange(prefix.Range, $"the pod range {text} of node {node.Key.Name}");
                }
            }
        }

        foreach (var service in stores.Services.All())
        {
            foreach (var text in service.ClusterIPs)
            {
                if (IpAddress.TryParse(text, out var address))
                {
                    yield return new ClusterRange(new IpRange(address, address), $"the service range ({text} of Service {service.Key})");
                }
            }
        }
    }

    /// <summary>For each pool the first range of the cluster that it overlaps.</summary>
    public static IEnumerable<string> Overlaps(PoolConfig config, IEnumerable<ClusterRange> ranges)
    {
        var all = ranges.ToArray();
        foreach (var pool in config.Pools)
        {
            var set = IpRangeSet.Of(pool.Ranges);
            if (all.FirstOrDefault(range => set.Overlaps(range.Range)) is { } found)
            {
                yield return $"pool '{pool.Name}' overlaps {found.Text}";
            }
        }
    }
}
