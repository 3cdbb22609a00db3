using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using LoadBalancer.Testing;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>
/// Random lives of clusters with 2 to 9 nodes and two controllers that mark lost nodes' pods: whatever goes wrong, no node is marked whose
/// kernel answers. LB_SIMULATION_SEED=n runs that one alone; LB_SIMULATIONS=n runs so many, from LB_SIMULATION_FIRST on.
/// </summary>
public sealed class NodeLossSchedules(ITestOutputHelper output)
{
    private const int Default = 300;
    private static readonly TimeSpan Faulty = TimeSpan.FromSeconds(20);

    [Fact]
    [Limit(600, "hundreds of schedules keep every core busy for a while")]
    public void RandomFaults_NoNodeIsMarkedWhoseKernelAnswers()
    {
        if (Number("LB_SIMULATION_SEED") is { } one)
        {
            output.WriteLine(Timeline(one));
            Assert.Null(Run(one).Problem);
            return;
        }

        var first = Number("LB_SIMULATION_FIRST") ?? 1;
        var count = Number("LB_SIMULATIONS") ?? Default;
        var (stated, marks) = (0, 0);
        var failed = new ConcurrentQueue<int>();
        Parallel.For(first, first + count, seed =>
        {
            var (problem, losses, marked) = Run(seed);
            Interlocked.Add(ref stated, losses);
            Interlocked.Add(ref marks, marked);
            if (problem is not null)
            {
                failed.Enqueue(seed);
            }
        });
        output.WriteLine($"{count} schedules: {stated} losses stated, {marks} nodes marked");
        Assert.True(failed.IsEmpty, $"{failed.Count} schedules failed: {string.Join(' ', failed.Order())}\n{(failed.IsEmpty ? "" : Timeline(failed.Min()))}");

        // Otherwise nothing has been tried.
        Assert.True(count < 100 || marks > count / 10, $"{marks} nodes were marked in {count} schedules");
    }

    private static (string? Problem, int Stated, int Marked) Run(int seed, Action<string>? log = null)
    {
        var shape = new Random(seed);
        var nodes = 2 + (int)(8 * shape.NextDouble() * shape.NextDouble());
        var cluster = new SimulatedCluster(seed, nodes, gateway: shape.Next(4) > 0, silent: shape.Next(4) == 0, log: log).Settle().StartControllers();
        var faults = new Faults(cluster, shape);
        for (var i = 1 + shape.Next(5); i > 0; i--)
        {
            var kind = Faults.Kinds[shape.Next(Faults.Kinds.Count)];
            cluster.Time.After(TimeSpan.FromMilliseconds(shape.Next((int)Faulty.TotalMilliseconds)), () => faults.Begin(kind));
        }

        cluster.Run((int)Faulty.TotalMilliseconds + 10_000);

        // What was wrong with addresses is another test's.
        return (cluster.Watch.WrongMark, cluster.Watch.Losses.Count, cluster.Watch.Marks.Count);
    }

    private static string Timeline(int seed)
    {
        var text = new StringBuilder();
        var (problem, _, _) = Run(seed, line => text.AppendLine(line));
        return $"seed {seed}: {problem}\n(replay: LB_SIMULATION_SEED={seed})\n{text}";
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
}
