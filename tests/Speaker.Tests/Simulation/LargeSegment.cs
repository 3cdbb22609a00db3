using System.Globalization;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>Clusters of more nodes than keep company with each other, and what is to be true of them.</summary>
internal static class LargeSegment
{
    /// <summary>Nodes that know each other, all addresses owned and announced; the last ones speak as the last release did.</summary>
    public static SimulatedCluster Settled(int nodes, int older = 0, Func<int, MembershipTimings>? timings = null)
    {
        var further = Numbers("LB_LARGE_VIPS", 0)[0];
        var cluster = new SimulatedCluster(nodes, nodes, vips: 10, furtherVips: further, timings: timings ?? (index => new MembershipTimings { Ring = index < nodes - older || index >= nodes }))
        {
            LeasePeriod = TimeSpan.FromSeconds(20),
        }.Settle();

        // Each is announced six times within five seconds, a thousand frames a second.
        cluster.Run(further == 0 ? 0 : 5000 + (6 * further));
        cluster.Watch.Reset();
        return cluster;
    }

    public static void Strike(SimulatedCluster cluster, params SimulatedNode[] struck)
    {
        cluster.Watch.Reset();
        cluster.Watch.Edge(struck);
    }

    public static ulong Place(SimulatedNode node) => SegmentRing.PlaceOf(System.Text.Encoding.ASCII.GetBytes(node.Name), "eth0"u8);

    public static void Cut(SimulatedCluster cluster, int first, bool isCut)
    {
        foreach (var one in cluster.Nodes.Take(first))
        {
            foreach (var other in cluster.Nodes.Skip(first))
            {
                cluster.Wire.Cut(one, other, isCut);
                cluster.Wire.Cut(other, one, isCut);
            }
        }
    }

    public static void Agree(SimulatedCluster cluster) => Assert.True(AllAgree(cluster), Disagreement(cluster));

    public static bool AllAgree(SimulatedCluster cluster) => Disagreement(cluster).Length == 0;

    // Everybody that runs knows everybody that runs, and each address has one that answers for it.
    public static string Disagreement(SimulatedCluster cluster)
    {
        var running = cluster.Nodes.Where(static node => node.RunsFor is not null).Select(static node => node.Name).ToHashSet();
        foreach (var node in cluster.Nodes.Where(node => running.Contains(node.Name)))
        {
            var known = node.Speaker!.Segments.Single().View(cluster.Now, []).Peers.Where(static peer => !peer.Away).Select(static peer => peer.Node).Append(node.Name).ToHashSet();
            if (!known.SetEquals(running))
            {
                return $"{node.Name} does not know [{string.Join(", ", running.Except(known))}] and knows [{string.Join(", ", known.Except(running))}]";
            }
        }

        var contested = cluster.Vips.FirstOrDefault(vip => cluster.Answers(vip).Select(static answer => answer.Mac).Distinct().Count() != 1);
        return contested == default ? "" : $"{contested} is answered with [{string.Join(", ", cluster.Answers(contested).Select(static answer => answer.Mac))}]";
    }

    public static int[] Numbers(string variable, params int[] usual) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text
        ? [.. text.Split(',').Select(static number => int.Parse(number, CultureInfo.InvariantCulture))]
        : usual;
}
