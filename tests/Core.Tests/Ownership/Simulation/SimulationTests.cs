using System.Collections.Concurrent;
using System.Globalization;

namespace LoadBalancer.Core.Tests.Ownership.Simulation;

/// <summary>
/// Random lives of segments with 2 to 9 nodes. LB_SIMULATION_SEED=n runs that one alone; LB_SIMULATIONS=n runs so many, from
/// LB_SIMULATION_FIRST on.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Default = 10_000;

    [Fact]
    public void RandomFaults_EverySchedule_KeepsTheInvariants()
    {
        if (Number("LB_SIMULATION_SEED") is { } one)
        {
            output.WriteLine(Schedule.Timeline(one));
            Assert.Null(Schedule.Run(one));
            return;
        }

        var first = Number("LB_SIMULATION_FIRST") ?? 1;
        var count = Number("LB_SIMULATIONS") ?? Default;
        var failed = new ConcurrentQueue<(int Seed, string Problem)>();
        Parallel.For(first, first + count, (seed, loop) =>
        {
            if (Schedule.Run(seed) is { } problem)
            {
                failed.Enqueue((seed, problem));
                if (failed.Count >= 20)
                {
                    loop.Stop();
                }
            }
        });

        if (!failed.IsEmpty)
        {
            var seeds = failed.OrderBy(f => f.Seed).ToList();
            Assert.Fail($"{seeds.Count} schedules failed:\n{string.Join('\n', seeds.Select(f => $"seed {f.Seed}: {f.Problem}"))}\n\n{Schedule.Timeline(seeds[0].Seed)}");
        }
    }

    // A switch port that comes and goes: the VIPs leave the node and stay where they are.
    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(9)]
    public void FlappingNode_TwentyTimes_MovesAVipTwiceAtMost(int nodes)
    {
        for (var seed = 1; seed <= 20; seed++)
        {
            var segment = new SimulatedSegment(seed, nodes, vips: 3);
            foreach (var node in segment.Nodes)
            {
                segment.Start(node);
            }

            segment.Run(TimeSpan.FromSeconds(2));
            segment.TakeOvers.Clear();
            var flapping = segment.Nodes[0];
            for (var i = 0; i < 20; i++)
            {
                Isolate(segment, flapping, true);
                segment.Run(segment.Now + TimeSpan.FromMilliseconds(700));
                Isolate(segment, flapping, false);
                segment.Run(segment.Now + TimeSpan.FromMilliseconds(1500));
            }

            // Alone, the node takes what it can, and nobody hears it: what counts is where the others see a VIP.
            var moves = segment.MovesSeenBy(segment.Nodes[1]);
            Assert.All(moves.Values, count => Assert.InRange(count, 0, 2));
        }
    }

    private static void Isolate(SimulatedSegment segment, SimulatedNode node, bool cut)
    {
        foreach (var other in segment.Nodes)
        {
            segment.Cut(node, other, cut);
            segment.Cut(other, node, cut);
        }
    }

    [Fact]
    public void ASeed_RunTwice_GivesTheSameTimeline() => Assert.Equal(Schedule.Timeline(7), Schedule.Timeline(7));

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
}
