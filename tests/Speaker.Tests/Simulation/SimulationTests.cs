using System.Collections.Concurrent;
using System.Globalization;
using LoadBalancer.Testing;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>
/// Random lives of clusters with 2 to 9 nodes, where everybody keeps company with everybody, and with 10 to 17. LB_SIMULATION_SEED=n runs
/// that one alone; LB_SIMULATIONS=n runs so many, from LB_SIMULATION_FIRST on; LB_SIMULATION_FAULTS, kinds with commas between, is what goes
/// wrong in them.
/// LB_TEST_LIMITS=none lets more of them take their time.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Default = 500;
    private const int DefaultLarge = 50;

    [Theory]
    [InlineData(2, Default)]
    [InlineData(10, DefaultLarge)]
    [Limit(600, "hundreds of schedules keep every core busy for a while")]
    public void RandomFaults_EverySchedule_KeepsTheInvariants(int fewest, int usual)
    {
        var kinds = Kinds();
        if (Number("LB_SIMULATION_SEED") is { } one)
        {
            output.WriteLine(Schedule.Timeline(one, kinds, fewest));
            Assert.Null(Schedule.Run(one, kinds, fewest: fewest));
            return;
        }

        var first = Number("LB_SIMULATION_FIRST") ?? 1;
        var count = Number("LB_SIMULATIONS") ?? usual;
        var failed = new ConcurrentQueue<(int Seed, string Problem)>();
        Parallel.For(first, first + count, (seed, loop) =>
        {
            if (Schedule.Run(seed, kinds, fewest: fewest) is { } problem)
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
            Assert.Fail($"{seeds.Count} schedules failed:\n{string.Join('\n', seeds.Select(f => $"seed {f.Seed}: {f.Problem}"))}\n\n{Schedule.Timeline(seeds[0].Seed, kinds, fewest)}");
        }
    }

    // With the kinds of then: what a seed means depends on their number.
    [Theory]
    [InlineData(3115)] // a port that was dead for as long as it takes to lose a peer
    [InlineData(3207)] // two nodes alone on a wire, one of which hears nothing
    [InlineData(20163)] // one way is cut, and the witness asked in turn is there no more
    [InlineData(23079)] // a peer is lost while the witness has yet to answer
    public void SeedThatFailedOnce_KeepsTheInvariants(int seed) =>
        Assert.Null(Schedule.Run(seed, [.. Faults.Kinds.Where(kind => kind != FaultKind.KeyRotatesWhileApiIsAwayFromOne)]));

    [Theory]
    [InlineData(23064)] // an owner's speaker hears nothing, and most know it by its hellos alone
    [InlineData(23112)] // a frame that was heard is counted a beat later
    [InlineData(23180)] // an owner's interface is replaced, far from most
    [InlineData(90200)] // an owner cannot send, and its last frame was held up on the way to one of the others
    public void SeedOfALargeSegmentThatFailedOnce_KeepsTheInvariants(int seed) => Assert.Null(Schedule.Run(seed, Faults.Kinds, fewest: 10));

    [Fact]
    public void ASeed_RunTwice_GivesTheSameTimeline() => Assert.Equal(Schedule.Timeline(7, Faults.Kinds), Schedule.Timeline(7, Faults.Kinds));

    // A switch port that comes and goes: the VIPs leave the node and stay where they are.
    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(9)]
    public void FlappingNode_TwentyTimes_MovesAVipTwiceAtMost(int nodes)
    {
        for (var seed = 1; seed <= 5; seed++)
        {
            var cluster = new SimulatedCluster(seed, nodes, vips: 3).Settle();
            var flapping = cluster.Nodes[0].Port;
            for (var i = 0; i < 20; i++)
            {
                flapping.Deaf = flapping.Mute = true;
                cluster.Run(700);
                flapping.Deaf = flapping.Mute = false;
                cluster.Run(1500);
            }

            Assert.All(cluster.Vips, vip => Assert.InRange(cluster.Watch.MovesOf(vip), 0, 2));
        }
    }

    private static IReadOnlyList<FaultKind> Kinds() => Environment.GetEnvironmentVariable("LB_SIMULATION_FAULTS") switch
    {
        null or "" => Faults.Kinds,
        var names => [.. names.Split(',').Select(name => Enum.Parse<FaultKind>(name))],
    };

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
}
