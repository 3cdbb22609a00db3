using LoadBalancer.Controller.Report;
using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Status;

namespace LoadBalancer.Controller.Tests.Report;

/// <summary>What a controller tells of nodes and of who announces what: what the speakers' Leases say, leading or not.</summary>
[Collection(Replica.Metrics)]
public sealed class ClusterReportTests
{
    private static readonly DateTimeOffset Since = new(2026, 3, 1, 8, 15, 30, TimeSpan.Zero);

    private readonly FakeCluster cluster = new FakeCluster().Synced();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Address_IsToldWithWhoAnnouncesItSinceWhen_LeadingOrNot(bool leading)
    {
        await using var replica = await WithOneService();
        Lease(new SpeakerLease("n1") { Announces = [SpeakerLease.At("10.0.0.1", Since)], Hears = "eth0=n2" });
        Lease(new SpeakerLease("n2") { Hears = "eth0=n1" });
        if (!leading)
        {
            replica.Stop();
            await replica.Leading;
        }

        var status = await StatusOf(replica);

        Assert.Equal(leading, status.Leading);
        var address = Assert.Single(status.Addresses);
        Assert.Equal(("10.0.0.1", "default", "Announced", null), (address.Address, address.Pool, address.State, address.Detail));
        Assert.Equal(["default/s1"], address.Services);
        Assert.Equal(new VoiceStatus { Node = "n1", Link = "eth0", Since = Since }, Assert.Single(address.Voices));
        Assert.Equal([("n1", "Alive", 1), ("n2", "Alive", 0)], status.Nodes.Select(node => (node.Name, node.Speaker, node.Announces)));
        Assert.Equal(["n2"], status.Nodes[0].Links[0].Hears);
        Assert.Empty(status.Problems);
    }

    [Fact]
    public async Task TwoOwners_AreSplitAfterFiveSeconds_AndAMoveIsNot()
    {
        await using var replica = await WithOneService();
        Lease(new SpeakerLease("n1") { Announces = [SpeakerLease.At("10.0.0.1", Since)] });
        Lease(new SpeakerLease("n2") { Announces = [SpeakerLease.At("10.0.0.1", Since.AddSeconds(9))] });

        var moving = Assert.Single((await StatusOf(replica)).Addresses);
        replica.Time.Advance(AddressBook.Lateness + TimeSpan.FromSeconds(1));
        var split = await StatusOf(replica);

        Assert.Equal(("Announced", "n2"), (moving.State, moving.Voices[0].Node));
        Assert.Equal("Split", Assert.Single(split.Addresses).State);
        Assert.Contains(split.Problems, problem => problem.Severity == "error" && problem.What.EndsWith("n2 and n1 announce it in one subnet", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TwoOwnersInTwoSubnets_AreNoSplit()
    {
        await using var replica = await WithOneService();
        Lease(new SpeakerLease("n1") { Announces = [SpeakerLease.At("10.0.0.1", Since)] });
        Lease(new SpeakerLease("n2") { Announces = [SpeakerLease.At("10.0.0.1", Since)], Links = "eth0=10.7.0.2/24" });
        await StatusOf(replica);
        replica.Time.Advance(AddressBook.Lateness + TimeSpan.FromSeconds(1));

        Assert.Equal("Announced", Assert.Single((await StatusOf(replica)).Addresses).State);
    }

    [Fact]
    public async Task OtherStates_AreToldFromWhatTheLeasesSay()
    {
        await using var replica = await WithOneService();

        Lease(new SpeakerLease("n1"));
        Assert.Equal(("Nobody", "no speaker says that it announces it"), await StateOf(replica));

        Lease(new SpeakerLease("n1") { Silent = "NoServingEndpoint=10.0.0.1" });
        Assert.Equal(("NoEndpoint", "no endpoint of the Service is ready"), await StateOf(replica));
        Assert.Empty((await StatusOf(replica)).Problems); // many a Service is scaled to nothing

        Lease(new SpeakerLease("n1") { Silent = "NoEligibleNode=10.0.0.1" });
        Assert.Equal(("Nobody", "no node may own it"), await StateOf(replica));

        Lease(new SpeakerLease("n1") { Announces = [SpeakerLease.At("10.0.0.1", Since)], Taken = "10.0.0.1=52:54:00:12:34:56" });
        Assert.Equal(("Conflict", "another host, 52:54:00:12:34:56, uses it, too"), await StateOf(replica));

        Lease(new SpeakerLease("n1") { Announces = [SpeakerLease.At("10.0.0.1", Since, "n2")] });
        Assert.Equal(("Represented", "n1 answers for n2, whose speaker is away"), await StateOf(replica));

        Lease(new SpeakerLease("n1") { Announces = [SpeakerLease.At("10.0.0.1", Since)] });
        replica.SilentSpeakers.Add("n1");
        Assert.Equal("Unknown", (await StateOf(replica)).State);
        Assert.Contains((await StatusOf(replica)).Problems, problem => problem.What.Contains("does not renew its Lease", StringComparison.Ordinal));

        Lease(new SpeakerLease("n1") { Stopped = true, Announces = [SpeakerLease.At("10.0.0.1", Since)] });
        Assert.Equal(("Nobody", "no speaker is alive"), await StateOf(replica));
    }

    [Fact]
    public async Task Nodes_OfOneSubnetThatDoNotHearEachOther_AreNamed()
    {
        await using var replica = await WithOneService();
        Lease(new SpeakerLease("n1") { Hears = "eth0=n2", Announces = [SpeakerLease.At("10.0.0.1", Since)] });
        Lease(new SpeakerLease("n2") { Hears = "eth0=n1,n3" });
        Lease(new SpeakerLease("n3") { Hears = "eth0=n2", Version = "1.3.0" });
        Lease(new SpeakerLease("n4") { Links = "eth0=10.7.0.4/24" });

        var status = await StatusOf(replica);

        Assert.Equal([["n3"], [], ["n1"], []], status.Nodes.Select(node => node.Links[0].Misses));
        Assert.Contains(status.Problems, problem => problem.What.StartsWith("n1 and n3 do not hear each other on eth0", StringComparison.Ordinal));
        Assert.Contains(status.Problems, problem => problem.What == "speakers of different versions: 1.2.0 on n1, n2, n4; 1.3.0 on n3");
    }

    [Fact]
    public async Task NodeWithoutSpeaker_IsNamed_UnlessItRunsWindows()
    {
        await using var replica = await WithOneService();
        Lease(new SpeakerLease("n1") { Announces = [SpeakerLease.At("10.0.0.1", Since)] });
        Node("n2");
        Node("n3", new Dictionary<string, string> { ["kubernetes.io/os"] = "windows" });

        var status = await StatusOf(replica);

        Assert.Equal(["Alive", "None", "None"], status.Nodes.Select(node => node.Speaker));
        var problem = Assert.Single(status.Problems);
        Assert.Equal("node n2 has no speaker: it announces nothing", problem.What);
        Assert.StartsWith("kubectl -n lb describe daemonset speaker", problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ManyProblemsOfOneKind_AreCounted()
    {
        await using var replica = new Replica(cluster).WithPools(Replica.OnePool("10.0.0.1-10.0.0.99")).Lead();
        for (var i = 1; i <= 50; i++)
        {
            cluster.Create(i);
        }

        await Eventually.True(() => cluster.AddressOf("s50").Length > 0);

        var problems = (await StatusOf(replica)).Problems;

        Assert.Equal(21, problems.Count);
        Assert.Equal("30 more addresses are not as they should be", problems[^1].What);
    }

    [Fact]
    public async Task History_TellsWhatChanged_AndWhatWasSoAtTheStartByItsTime()
    {
        await using var replica = await WithOneService();
        Lease(new SpeakerLease("n1") { Announces = [SpeakerLease.At("10.0.0.1", Since), SpeakerLease.At("10.0.0.2", Since)] });
        replica.Time.SetUtcNow(Since.AddMinutes(10));
        Lease(new SpeakerLease("n1"));
        Lease(new SpeakerLease("n2") { Announces = [SpeakerLease.At("10.0.0.1", Since.AddMinutes(10), "n1")], Lost = "n3 boot=5 address=10.0.0.203 agreed=2 witness=false silence=351ms" });
        Lease(new SpeakerLease("n2") { Stopped = true });

        var history = (await StatusOf(replica)).History;

        Assert.Equal(
            [
                "n2 SpeakerStopped: speaker has stopped",
                "n2 Represents: answers for n1 with 10.0.0.1",
                "n3 NodeLost: is lost, says n2",
                "n2 SpeakerStarted: speaker has started, version 1.2.0",
                "n1 Announces: announces 10.0.0.1, 10.0.0.2",
            ],
            history.Where(entry => entry.Kind == "Node" && (entry.Name != "n1" || entry.Reason == "Announces")).Select(entry => $"{entry.Name} {entry.Reason}: {entry.Message}"));
        Assert.Contains(history, entry => entry is { Kind: "Service", Name: "s1", Message: "has 10.0.0.1" });
    }

    [Fact]
    public async Task History_IsBounded_AndARenewalIsNoEntry()
    {
        await using var replica = await WithOneService();
        for (var i = 0; i < 300; i++)
        {
            Lease(new SpeakerLease("n1") { Announces = [SpeakerLease.At("10.0.0.1", Since.AddSeconds(i))] });
            Lease(new SpeakerLease("n1") { Announces = [SpeakerLease.At("10.0.0.1", Since.AddSeconds(i))] });
        }

        var history = (await StatusOf(replica)).History;

        Assert.Equal(History.Capacity, history.Count);
        Assert.Equal(history.Count, history.Select(entry => entry.At).Distinct().Count());
    }

    private async Task<Replica> WithOneService()
    {
        var replica = new Replica(cluster).WithPools(Replica.OnePool("10.0.0.1-10.0.0.9")).Lead();
        cluster.Create(1);
        await Eventually.True(() => cluster.AddressOf("s1") == "10.0.0.1");
        return replica;
    }

    private void Lease(SpeakerLease lease)
    {
        Node(lease.Node);
        cluster.Leases.Apply(new WatchEvent<LeaseResource>(WatchEventType.Modified, lease.ToResource(), ""));
    }

    private void Node(string name, Dictionary<string, string>? labels = null) => cluster.Nodes.Apply(new WatchEvent<NodeResource>(
        WatchEventType.Modified, new NodeResource { Key = new ObjectKey("", name), IsReady = true, Labels = labels ?? [] }, ""));

    private static async Task<(string State, string? Detail)> StateOf(Replica replica)
    {
        var address = Assert.Single((await StatusOf(replica)).Addresses);
        return (address.State, address.Detail);
    }

    private static async Task<ControllerStatus> StatusOf(Replica replica) =>
        StatusJson.ReadController(StatusJson.Write(await replica.Report.MakeAsync()));
}
