using System.Text;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>One random life of a cluster: it starts, things go wrong, all is well again, and then it is looked at.</summary>
internal static class Schedule
{
    private static readonly TimeSpan Started = TimeSpan.FromSeconds(3);
    // A node that is back listens for most of a second.
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(1500);
    private static readonly TimeSpan Faulty = TimeSpan.FromSeconds(8);

    /// <summary>Runs it: faults of one kind after the other, or several at once, as the seed will have it.</summary>
    /// <param name="seed">All chance.</param>
    /// <param name="kinds">What may go wrong.</param>
    /// <param name="log">Told what happens.</param>
    /// <param name="fewest">The nodes are so many, or up to seven more.</param>
    /// <returns>What went wrong, or null.</returns>
    public static string? Run(int seed, IReadOnlyList<FaultKind> kinds, Action<string>? log = null, int fewest = 2)
    {
        var shape = new Random(seed);
        var nodes = fewest + (int)(8 * shape.NextDouble() * shape.NextDouble());
        var cluster = new SimulatedCluster(seed, nodes, 1 + shape.Next(3), gateway: shape.Next(4) > 0, local: shape.Next(4) == 0, silent: shape.Next(4) == 0, log: log);
        cluster.Say($"seed {seed}: {nodes} nodes, {(cluster.Gateway is null ? "no" : "a")} gateway{(cluster.Local ? ", policy Local" : "")}{(cluster.Silent ? ", a silent client" : "")}");
        foreach (var node in cluster.Nodes)
        {
            cluster.Time.At(TimeSpan.FromMilliseconds(1 + shape.Next(300)), node.StartSpeaker);
        }

        cluster.Time.Run(Started);
        if (Unsettled(cluster) is { } early)
        {
            return $"after the start: {early}";
        }

        cluster.Watch.Reset();
        var faults = new Faults(cluster, shape);
        return shape.Next(2) == 0 ? OneAfterTheOther(cluster, faults, kinds, shape) : SeveralAtOnce(cluster, faults, kinds, shape);
    }

    /// <summary>The failing seed with everything that happened, to read and to replay.</summary>
    public static string Timeline(int seed, IReadOnlyList<FaultKind> kinds, int fewest = 2)
    {
        var text = new StringBuilder();
        var problem = Run(seed, kinds, line => text.AppendLine(line), fewest);
        return $"seed {seed}: {problem}\n(replay: LB_SIMULATION_SEED={seed})\n{text}";
    }

    // What one fault may do is known exactly.
    private static string? OneAfterTheOther(SimulatedCluster cluster, Faults faults, IReadOnlyList<FaultKind> kinds, Random shape)
    {
        for (var i = 1 + shape.Next(3); i > 0; i--)
        {
            var owners = Owners(cluster);
            cluster.Watch.Reset();
            var kind = kinds[shape.Next(kinds.Count)];
            if (faults.Begin(kind) is not { } begun)
            {
                continue;
            }

            if (UntilQuiet(cluster, faults) is { } problem)
            {
                return $"{kind}: {problem}";
            }

            foreach (var (vip, owner) in owners)
            {
                var mayMove = begun.Moves == Moves.Any
                    || (begun.Moves == Moves.Struck && begun.Struck.Any(node => node == owner.Node));
                if (!mayMove && cluster.Watch.MovesOf(vip) > 0)
                {
                    return $"{kind}: {vip} was moved, and answered with [{string.Join(", ", cluster.Watch.MacsOf(vip))}], although nothing happened to its owner {owner.Node.Name}";
                }

                if (cluster.Watch.MovesOf(vip) > 2)
                {
                    return $"{kind}: {vip} was moved {cluster.Watch.MovesOf(vip)} times by one fault";
                }
            }
        }

        return null;
    }

    private static string? SeveralAtOnce(SimulatedCluster cluster, Faults faults, IReadOnlyList<FaultKind> kinds, Random shape)
    {
        cluster.Watch.Strict = false;
        var owners = Owners(cluster);
        for (var i = 1 + shape.Next(5); i > 0; i--)
        {
            cluster.Time.At(Started + TimeSpan.FromMilliseconds(shape.Next((int)Faulty.TotalMilliseconds)), () => faults.Begin(kinds[shape.Next(kinds.Count)]));
        }

        cluster.Time.Run(Started + Faulty);
        if (UntilQuiet(cluster, faults) is { } problem)
        {
            return problem;
        }

        foreach (var (vip, owner) in owners)
        {
            var macs = cluster.Watch.MacsOf(vip);
            if (faults.Moving == 0 && (macs.Count != 1 || !macs.Contains(owner.Mac)))
            {
                return $"{vip} was answered with [{string.Join(", ", macs)}] although nothing happened that may move it";
            }

            // Each part of a segment that was cut may have made one node the owner, and one more when it is whole again.
            if (cluster.Watch.MovesOf(vip) > 2 * faults.All)
            {
                return $"{vip} was moved {cluster.Watch.MovesOf(vip)} times by {faults.All} faults";
            }
        }

        return null;
    }

    private static string? UntilQuiet(SimulatedCluster cluster, Faults faults)
    {
        while (faults.Pending > 0 || cluster.Watch.LastEdge + Quiet > cluster.Now)
        {
            cluster.Run(50);
            if (cluster.Watch.Violation is { } violation)
            {
                return violation;
            }
        }

        cluster.Say("whole and quiet");
        for (var i = 0; i < 20; i++)
        {
            if (Unsettled(cluster) is { } late)
            {
                return $"whole and quiet for {Quiet.TotalMilliseconds + (i * 100)} ms: {late}";
            }

            cluster.Run(100);
        }

        return cluster.Watch.Violation;
    }

    private static string? Unsettled(SimulatedCluster cluster)
    {
        foreach (var vip in cluster.Vips)
        {
            var answers = cluster.Answers(vip).ToList();
            if (answers.Select(answer => answer.Mac).Distinct().Count() != 1)
            {
                return $"{vip} is answered with [{string.Join(", ", answers.Select(answer => answer.Mac))}] by [{string.Join(", ", answers.Select(answer => answer.Node.Name))}]";
            }
        }

        return null;
    }

    private static Dictionary<IpAddress, (SimulatedNode Node, MacAddress Mac)> Owners(SimulatedCluster cluster) =>
        cluster.Vips.ToDictionary(vip => vip, vip => (cluster.OwnerOf(vip), cluster.Answers(vip).First().Mac));
}
