using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.Cluster.Tests.Outages;

/// <summary>
/// One random fault after another, one at a time; after each the address has one owner again. <c>LB_CHAOS_SECONDS</c> sets how
/// long (20 by default, <c>make chaos</c>: 300), <c>LB_CHAOS_SEED</c> repeats a run.
/// </summary>
public sealed class ChaosTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private static readonly TimeSpan Reachable = TimeSpan.FromSeconds(3);
    private readonly List<string> _story = [];

    [Fact]
    public async Task RandomFaults_OneAfterAnother_TheAddressHasOneOwnerAfterEach()
    {
        TimeSpan duration = TimeSpan.FromSeconds(Rounds.Number("LB_CHAOS_SECONDS", 20));
        int seed = Rounds.Number("LB_CHAOS_SEED", Environment.ProcessId ^ (int)TimeProvider.System.GetTimestamp());
        var random = new Random(seed);
        _story.Add($"seed {seed}");
        (_, string address, _) = await CreateAnnouncedServiceAsync();
        TimeSpan worst = TimeSpan.Zero;
        int faults = 0;
        long start = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(start) < duration)
        {
            worst = Max(worst, await SurviveAsync(address, random));
            faults++;
        }

        Figure($"{faults} faults (seed {seed}): longest time without a successful connect {worst.TotalMilliseconds:0} ms");
    }

    private async Task<TimeSpan> SurviveAsync(string address, Random random)
    {
        Node owner = await SettledAsync(address);
        Node node = random.Next(3) > 0 ? owner : Cluster.Nodes[random.Next(Cluster.Nodes.Count)];
        (string name, Func<Task> harm, Func<Task> heal) = Faults(node)[random.Next(Faults(node).Length)];
        _story.Add($"{name} (owner {owner.Name})");
        await using ConnectProbe probe = ConnectProbe.Start(Cluster.Client, address);
        await WithinAsync(() => probe.SucceededSince(default), "a connection before the fault");
        TimeSpan harmed = probe.Now;
        await harm();
        TimeSpan after = probe.Now;
        try
        {
            await WithinAsync(() => probe.SucceededSince(after), "a connection after the fault");
            await SettledAsync(address);
        }
        finally
        {
            await heal();
        }

        TimeSpan healed = probe.Now;
        await WithinAsync(() => probe.SucceededSince(healed), "a connection after the repair");
        await SettledAsync(address);
        return probe.LongestGap(harmed);
    }

    private (string Name, Func<Task> Harm, Func<Task> Heal)[] Faults(Node node) =>
    [
        ($"cable of {node.Name} pulled", Do(node.Host.Unplug), Do(node.Host.Plug)),
        ($"switch port of {node.Name} dead", Do(node.Host.Block), Do(node.Host.Unblock)),
        ($"speaker on {node.Name} killed", Cluster.Programs.Speaker(node).KillAsync, Cluster.Programs.StartAllAsync),
        ($"speaker on {node.Name} terminated", Cluster.Programs.Speaker(node).StopAsync, Cluster.Programs.StartAllAsync),
        ("API server stopped", StopServerAsync, StartServerAsync),
    ];

    private async Task<Node> SettledAsync(string address)
    {
        try
        {
            return await OwnerOnWireAsync(address);
        }
        catch (TimeoutException failure)
        {
            throw new TimeoutException(Story(), failure);
        }
    }

    private async Task WithinAsync(Func<bool> condition, string what) =>
        await Eventually.TrueAsync(condition, Reachable, what, () => $"{Story()}\n{Cluster.Programs.Tails()}");

    private string Story() => $"after: {string.Join("; ", _story)}";

    private static Func<Task> Do(Action action) => () =>
    {
        action();
        return Task.CompletedTask;
    };

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
