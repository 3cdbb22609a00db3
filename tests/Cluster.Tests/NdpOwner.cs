using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.Cluster.Tests;

/// <summary>Who has an IPv6 address, by the word of the wire.</summary>
internal static class NdpOwner
{
    /// <summary>The node whose hardware address alone answers solicitations for an address over a third of a second.</summary>
    internal static Task<Node> FindAsync(LocalCluster.Cluster cluster, string address, TimeSpan within)
    {
        IReadOnlySet<string> macs = new HashSet<string>();
        return Eventually.GetAsync(
            async () =>
            {
                await using NdpProbe probe = NdpProbe.Start(cluster.Client, address);
                await Eventually.TrueAsync(() => probe.Now > TimeSpan.FromMilliseconds(330), within, "330 ms");
                macs = probe.Macs();
                return macs.Count == 1 ? cluster.Nodes.FirstOrDefault(node => node.Host.Mac == macs.Single()) : null;
            },
            within, $"one node that answers for {address}", () => $"{string.Join(", ", macs)}\n{cluster.Programs.Tails()}");
    }
}
