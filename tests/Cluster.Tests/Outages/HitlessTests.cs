using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Outages;

/// <summary>
/// A VIP lives where its traffic flows: what happens to speakers, and to the API server, breaks no connection; what happens to a node
/// is over in half a second. The bounds leave room for a busy machine; the figures are what counts.
/// </summary>
public sealed class HitlessTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private const int Connections = 30;
    private static readonly TimeSpan GraceWatched = TimeSpan.FromSeconds(10);
    private readonly Rounds _rounds = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OwnerOffTheWire_FirstConnectElsewhere_InHalfASecond(bool apiServer)
    {
        for (int round = 0; round < Rounds.Count; round++)
        {
            (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
            await WithoutApiServerAsync(!apiServer, async () =>
            {
                await using ConnectProbe probe = ConnectProbe.Start(Cluster.Client, address);
                await Eventually.TrueAsync(() => probe.Attempts.Count(attempt => attempt.Success) > 20, Soon, "connections");
                TimeSpan cut = probe.Now;
                owner.Host.Block();
                await Eventually.TrueAsync(() => probe.SucceededSince(cut), Soon, "a connection elsewhere", () => Cluster.Programs.Tails());
                _rounds.Add("first connect", probe.FirstSuccessAfter(cut)!.Value);
                Assert.InRange(probe.FirstSuccessAfter(cut)!.Value, TimeSpan.Zero, FailedOver);
                Assert.NotEqual(owner, await OwnerOnWireAsync(address));
            });
            owner.Host.Unblock();
            await OwnerOnWireAsync(address);
        }

        Figure($"owner off the wire{Without(apiServer)}: {_rounds}");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OwnersSpeakerKilledAndNotRestarted_NoConnectionBreaks(bool apiServer)
    {
        for (int round = 0; round < Rounds.Count; round++)
        {
            (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
            await WithoutApiServerAsync(!apiServer, async () => await WatchAsync(address, owner, "killed", async () =>
            {
                await Cluster.Programs.Speaker(owner).KillAsync();
                await HoldsForAsync(GraceWatched, () => true, "the grace period");
            }));
            await Cluster.Programs.StartAllAsync();
        }

        Figure($"speaker killed and not restarted{Without(apiServer)}: 0 of {Connections} connections broken in {GraceWatched.TotalSeconds:0} s; {_rounds}");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OwnersSpeakerUpgraded_NoConnectionBreaks_AndHardlyASilence(bool apiServer)
    {
        for (int round = 0; round < Rounds.Count; round++)
        {
            (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();
            string mount = await MountKeyAsync();
            await WithoutApiServerAsync(!apiServer, async () => await WatchAsync(address, owner, "upgrade", async () =>
            {
                await Cluster.Programs.Speaker(owner).StopAsync();
                ProgramProcess next = Cluster.Programs.StartSpeaker(owner, "--heartbeat-key-mount", mount);
                await ServesAsync(next);
            }));
            await IsStillAsync(name, address, owner);
            await RestartAsync(owner);
        }

        Figure($"speaker upgraded{Without(apiServer)}: 0 of {Connections} connections broken; {_rounds}");
    }

    [Fact]
    public async Task AllSpeakersUpgradedOneAfterAnother_NoConnectionBreaks()
    {
        for (int round = 0; round < Rounds.Count; round++)
        {
            (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();
            await WatchAsync(address, owner, "rolling restart", async () =>
            {
                foreach (Node node in Cluster.Nodes)
                {
                    await RestartAsync(node);
                }
            });
            await IsStillAsync(name, address, owner);
        }

        Figure($"all speakers upgraded: 0 of {Connections} connections broken; {_rounds}");
    }

    [Fact]
    public async Task OwnersSpeakerStandsStillForFiveSeconds_NoConnectionBreaks_AndOneAddressAnswers()
    {
        for (int round = 0; round < Rounds.Count; round++)
        {
            (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
            await WatchAsync(address, owner, "standstill", async () =>
            {
                Cluster.Programs.Speaker(owner).Pause();
                await HoldsForAsync(TimeSpan.FromSeconds(5), () => true, "five seconds");
                Cluster.Programs.Speaker(owner).Continue();
                await HoldsForAsync(TimeSpan.FromSeconds(2), () => true, "two seconds");
            });
        }

        Figure($"speaker stopped for 5 s: 0 of {Connections} connections broken, one hardware address; {_rounds}");
    }

    [Fact]
    public async Task AllCoresBusy_NoChangeOfOwner()
    {
        var duration = TimeSpan.FromSeconds(Rounds.Number("LB_BUSY_SECONDS", 10));
        (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
        await using ArpProbe arp = ArpProbe.Start(Cluster.Client, address, TimeSpan.FromMilliseconds(50));
        using var enough = new CancellationTokenSource();
        Thread[] load = [.. Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => new Thread(() => Spin(enough.Token)) { IsBackground = true })];
        foreach (Thread thread in load)
        {
            thread.Start();
        }

        try
        {
            await HoldsForAsync(duration, () => arp.Macs().All(mac => mac == owner.Host.Mac), $"only {owner.Name} answers");
        }
        finally
        {
            await enough.CancelAsync();
            foreach (Thread thread in load)
            {
                thread.Join();
            }
        }

        Assert.Equal([owner.Host.Mac], arp.Macs());
        Figure($"all cores busy for {duration.TotalSeconds:0} s: 0 changes of owner, longest silence {arp.LongestSilence(TimeSpan.FromMilliseconds(200)).TotalMilliseconds:0} ms (asked every 50 ms)");
    }

    private static string Without(bool apiServer) => apiServer ? "" : ", API server down";

    private static void Spin(CancellationToken enough)
    {
        double x = 1;
        while (!enough.IsCancellationRequested)
        {
            x = Math.Sqrt(x + 1);
        }
    }

    /// <summary>Does something to speakers while thirty connections are in use; none may break, and only the owner's address may answer.</summary>
    private async Task WatchAsync(string address, Node owner, string what, Func<Task> harm)
    {
        await using LongConnections connections = await LongConnections.OpenAsync(Cluster.Client, address, Connections);
        await using ArpProbe arp = ArpProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => arp.Answers.Count > 10, Soon, "answers");
        TimeSpan before = arp.Now;
        await harm();
        TimeSpan silence = arp.LongestSilence(before);
        _rounds.Add($"{what}: ARP silence", silence);
        _rounds.Add("slowest answer on a connection", connections.Slowest);
        Assert.True(
            connections.Broken == 0,
            $"{connections.Broken} connections broken: {connections.FirstFailure}; {owner.Name} ({owner.Host.Mac}) owned it, answered: {arp.Story()}\n{Cluster.Programs.Tails()}");
        Assert.Equal([owner.Host.Mac], arp.Macs());
        Assert.InRange(silence, TimeSpan.Zero, FailedOver);
    }

    private async Task IsStillAsync(string name, string address, Node owner)
    {
        Node now = await OwnerOnWireAsync(address);
        Assert.True(now == owner, $"{address} was at {owner.Name} and is at {now.Name}: {await Cluster.LastEventAsync(name, "nodeAssigned")}");
    }

    private async Task WithoutApiServerAsync(bool without, Func<Task> act)
    {
        if (without)
        {
            await StopServerAsync();
        }

        await act();
        if (without)
        {
            await StartServerAsync();
            await Cluster.Programs.WaitUntilReadyAsync();
        }
    }

    private async Task RestartAsync(Node node)
    {
        await Cluster.Programs.Speaker(node).StopAsync();
        ProgramProcess next = Cluster.Programs.StartSpeaker(node);
        await ClusterPrograms.WaitUntilReadyAsync(next);
        await ServesAsync(next);
    }

    /// <summary>Waits until a speaker has listened and answers for what is its own, and no other does in its place.</summary>
    private async Task ServesAsync(ProgramProcess speaker)
    {
        string found = "";
        await Eventually.GetAsync(
            async () =>
            {
                bool serves = (await ClusterPrograms.FiguresAsync(speaker)).Contains("loadbalancer_speaker_serving 1");
                var represented = new List<string>();
                foreach (ProgramProcess other in Cluster.Nodes.Select(Cluster.Programs.Speaker).Where(other => other != speaker && !other.HasExited))
                {
                    represented.AddRange((await ClusterPrograms.FiguresAsync(other))
                        .Where(line => line.StartsWith("loadbalancer_speaker_vips_represented{", StringComparison.Ordinal) && !line.EndsWith(" 0", StringComparison.Ordinal))
                        .Select(line => $"{other.Name}: {line}"));
                }

                found = $"serving: {serves}; {string.Join("; ", represented)}";
                return serves && represented.Count == 0 ? "serves" : null;
            },
            TimeSpan.FromSeconds(60), $"{speaker.Name} to answer for what is its own", () => $"{found}\n{Cluster.Programs.Tails()}");
    }

    /// <summary>What the kubelet does with the Secret that the speaker's manifest mounts.</summary>
    private async Task<string> MountKeyAsync()
    {
        string data = (string)(await Cluster.Api.GetAsync($"/api/v1/namespaces/{LocalCluster.Cluster.SystemNamespace}/secrets/heartbeat-key"))["data"]!["key"]!;
        string folder = Directory.CreateDirectory(Path.Combine(LocalCluster.Isolation.PrivateRun.Folder, "heartbeat-key")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(folder, "key"), Convert.FromBase64String(data), Cancel);
        return folder;
    }
}
