using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LocalClusterOf = LoadBalancer.LocalCluster.Cluster;

namespace LoadBalancer.Cluster.Tests.Outages;

/// <summary>
/// Faults one after another while a client asks for one address every 10 ms: the longest time without an answer, and the longest in which
/// two hardware addresses answered. Each fault lasts about eight of fourteen seconds in <c>make chaos</c>, which sets <c>LB_FAULT_ROUNDS</c>; in a
/// test run one round of each is shorter. <c>LB_FAULT</c> chooses those whose name contains it.
/// </summary>
/// <param name="cluster">Where.</param>
/// <param name="address">What is asked for.</param>
/// <param name="stopServer">Stops the API server.</param>
/// <param name="startServer">Starts it again.</param>
/// <param name="say">Takes the figures.</param>
public sealed class FaultTable(LocalClusterOf cluster, string address, Func<Task> stopServer, Func<Task> startServer, Action<string> say)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Fault = TimeSpan.FromSeconds(IsWhole ? 8 : 4);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(IsWhole ? 5 : 2);
    private static readonly TimeSpan TwoAnswer = TimeSpan.FromSeconds(1);
    private readonly List<string> _failures = [];

    /// <summary>Whether every fault is to be tried, at length and in rounds.</summary>
    public static bool IsWhole => Rounds.Number("LB_FAULT_ROUNDS", 0) > 0;

    /// <summary>Tries faults, prints a line for each, and fails at the end if one passed its bound.</summary>
    public async Task RunAsync(IEnumerable<WireFault> faults)
    {
        foreach (WireFault fault in faults.Where(IsWanted))
        {
            List<(double Silence, double Begin, double Both, double Stall)> rounds = [];
            for (int round = 0; round < Rounds.Number("LB_FAULT_ROUNDS", 1); round++)
            {
                rounds.Add(await TryAsync(fault, round));
            }

            rounds.Sort();
            say($"{cluster.Nodes.Count} nodes, {fault.Name}: longest time without an answer {Summary([.. rounds.Select(round => round.Silence)])}"
                + $" (goal {fault.Goal.TotalMilliseconds:0}), {rounds[^1].Begin:0} ms after the fault began; two answer for {rounds.Max(round => round.Both):0} ms at most; the client itself stood still for {rounds.Max(round => round.Stall):0} ms at most");
        }

        Assert.True(_failures.Count == 0, string.Join('\n', _failures));
    }

    private static bool IsWanted(WireFault fault) =>
        Environment.GetEnvironmentVariable("LB_FAULT") is not { Length: > 0 } name || fault.Name.Contains(name, StringComparison.Ordinal);

    private static string Summary(List<double> sorted) =>
        sorted.Count == 1 ? $"{sorted[0]:0} ms" : $"min {sorted[0]:0} / median {sorted[sorted.Count / 2]:0} / max {sorted[^1]:0} ms over {sorted.Count} rounds";

    private async Task<(double Silence, double Begin, double Both, double Stall)> TryAsync(WireFault fault, int round)
    {
        await using ArpProbe probe = ArpProbe.Start(cluster.Client, address);
        Node owner = await SettledAsync(probe);
        Node[] others = [.. cluster.Nodes.Where(node => node != owner)];
        var scene = new FaultScene(cluster, owner, others[round % others.Length], probe, stopServer, startServer);
        TimeSpan begin = probe.Now;
        await scene.PassAsync(Before);
        TimeSpan harmed = probe.Now;
        try
        {
            await fault.Harm(scene);
            await scene.PassAsync(harmed + Fault > probe.Now ? harmed + Fault - probe.Now : TimeSpan.Zero);
        }
        finally
        {
            await fault.Heal(scene);
        }

        await scene.PassAsync(After);
        (TimeSpan silence, TimeSpan from) = probe.Silence(begin);
        TimeSpan both = probe.LongestDouble(begin);
        if (silence > fault.Bound || both > TwoAnswer)
        {
            _failures.Add($"{cluster.Nodes.Count} nodes, {fault.Name}, owner {owner.Name}, another {scene.Other.Name}: {silence.TotalMilliseconds:0} ms without an answer"
                + $" (at most {fault.Bound.TotalMilliseconds:0}), two answer for {both.TotalMilliseconds:0} ms; harmed at {harmed.TotalMilliseconds:0} ms: {Shortened(probe.Story())}");
        }

        await SettledAsync(probe);
        return (silence.TotalMilliseconds, (from - harmed).TotalMilliseconds, both.TotalMilliseconds, probe.LongestStall(begin).TotalMilliseconds);
    }

    private static string Shortened(string story) => story.Length < 1000 ? story : $"{story[..1000]} …";

    /// <summary>Waits until the replies of a second come from one node.</summary>
    private async Task<Node> SettledAsync(ArpProbe probe)
    {
        TimeSpan from = probe.Now;
        return await Eventually.GetAsync(
            () =>
            {
                TimeSpan since = probe.Now - TimeSpan.FromSeconds(1);
                return Task.FromResult(since > from && probe.Macs(since) is { Count: 1 } macs && probe.LongestSilence(since) < TimeSpan.FromMilliseconds(300)
                    ? cluster.Nodes.FirstOrDefault(node => node.Host.Mac == macs.Single())
                    : null);
            },
            Soon, $"one node that answers for {address}", () => $"{Shortened(probe.Story())}\n{cluster.Programs.Tails()}");
    }
}
