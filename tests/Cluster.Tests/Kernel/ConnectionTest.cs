using System.Globalization;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.Cluster.Tests.Kernel;

/// <summary>A test of what becomes of open connections: 30 unless LB_KEPT_CONNECTIONS says otherwise.</summary>
public abstract class ConnectionTest(ClusterFixture fixture, ITestOutputHelper output) : KernelTest(fixture, output)
{
    /// <summary>How many connections are opened each time.</summary>
    protected static readonly int Count = int.Parse(Environment.GetEnvironmentVariable("LB_KEPT_CONNECTIONS") ?? "30", CultureInfo.InvariantCulture);

    /// <summary>For how long they are watched after a move: many requests on each.</summary>
    protected static readonly TimeSpan Watched = TimeSpan.FromSeconds(3);

    /// <summary>Clients of an address that keep their connections.</summary>
    protected Task<LongConnections> OpenAsync(string address) => LongConnections.OpenAsync(Cluster.Client, address, Count);

    /// <summary>Checks for a while that no connection breaks.</summary>
    protected Task StayAsync(params LongConnections[] all) => HoldsForAsync(
        Watched, () => all.All(connections => connections.Broken == 0),
        $"no connection broken: {string.Join(", ", all.Select(connections => $"{connections.Broken} ({connections.FirstFailure})"))}\n{Cluster.Programs.Tails()}");

    /// <summary>Waits until every connection is broken.</summary>
    protected async Task<TimeSpan> BreakAsync(LongConnections connections)
    {
        long since = TimeProvider.System.GetTimestamp();
        await Eventually.TrueAsync(() => connections.Broken == Count, Soon, "resets", () => $"{connections.Broken}: {connections.FirstFailure}\n{Cluster.Programs.Tails()}");
        return TimeProvider.System.GetElapsedTime(since);
    }

    /// <summary>Moves an address as planned, by the exclude label.</summary>
    protected async Task<Node> MoveAsync(string address, Node from)
    {
        await LabelAsync(from, ExcludeLabel, "");
        return await MovedAsync(address, from);
    }

    /// <summary>Moves an address to one node, by the exclude label of the others.</summary>
    protected async Task MoveToAsync(string address, Node to)
    {
        // Who has it last, so that it goes to no third node on the way.
        Node from = await OwnerAsync(address);
        await LabelAsync(to, ExcludeLabel, null);
        foreach (Node other in Cluster.Nodes.Where(node => node != to).OrderBy(node => node == from))
        {
            await LabelAsync(other, ExcludeLabel, "");
        }

        await OwnedByAsync(address, to);
    }

    /// <summary>Waits until another node than this has an address.</summary>
    protected Task<Node> MovedAsync(string address, Node from) => Eventually.GetAsync(
        async () => await OwnerAsync(address) is { } node && node != from ? node : null, Soon, "another owner", () => Cluster.Programs.Tails());

    /// <summary>Waits until a node has an address.</summary>
    protected async Task OwnedByAsync(string address, Node owner) => await Eventually.GetAsync(
        async () => await OwnerAsync(address) == owner ? "owner" : null, Soon, $"{owner.Name} to own {address}", () => Cluster.Programs.Tails());

    /// <summary>The node that alone answers for an address.</summary>
    protected Task<Node> OwnerAsync(string address) => Lan.IsIPv6(address) ? NdpOwner.FindAsync(Cluster, address, Soon) : OwnerOnWireAsync(address);

    /// <summary>The segments that a node has sent on.</summary>
    protected Task<double> SentOnAsync(Node node) => SumAsync(node, "loadbalancer_speaker_kernel_segments_sent_on_total");
}
