namespace LoadBalancer.Speaker.Tests.Cluster;

/// <summary>Links on which frames pass one way only: whoever hears goes on, whoever does not takes nothing from it.</summary>
public sealed class DeafNodeTests
{
    private const string Vip = "192.168.96.100";

    [Theory]
    [InlineData(2, true)]
    [InlineData(3, true)]
    [InlineData(3, false)]
    [InlineData(5, false)]
    public void OwnerCannotHear_AnsweredElsewhereWithinFourHundredAndFiftyMilliseconds_AndStaysThere(int nodes, bool gateway)
    {
        var (cluster, order) = Start(nodes, gateway);
        cluster.Switch.Deafen(order[0]);
        int? answered = null;
        cluster.Run(8000, at => answered ??= Heard(cluster, order[0]).Count > 0 ? at : null);
        Assert.InRange(answered!.Value, 1, 450);
        Assert.Equal([order[1]], Heard(cluster, order[0]));

        cluster.Switch.Mend();
        cluster.Run(1000);
        cluster.Run(3000, _ => Assert.Equal([order[1]], cluster.Answering(Vip)));
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(3, true)]
    [InlineData(5, true)]
    public void AnotherCannotHear_NothingChanges_AndItSaysNothing(int nodes, bool gateway)
    {
        var (cluster, order) = Start(nodes, gateway);
        cluster.Switch.Deafen(order[^1]);
        cluster.Run(8000, _ => AssertOnlyTheOwner(cluster, order));
        cluster.Switch.Mend();
        cluster.Run(4000, _ => AssertOnlyTheOwner(cluster, order));
    }

    // Never having heard anybody but speakers, it cannot know better; but nobody gives way to it, and the owner has the last word.
    [Fact]
    public void AnotherCannotHear_WithoutAWitness_TheOwnerGoesOnAndAnnouncesAgain()
    {
        var (cluster, order) = Start(3, gateway: false);
        cluster.Switch.Deafen(order[2]);
        cluster.Run(8000, _ => Assert.Contains(order[0], cluster.Answering(Vip)));
        Assert.Equal(2, cluster[order[0]].Port.Announced.Count);
        cluster.Switch.Mend();
        cluster.Run(1000);
        cluster.Run(1000, _ => Assert.Equal([order[0]], cluster.Answering(Vip)));
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public void OwnerCannotSend_AnsweredElsewhereWithinFourHundredMilliseconds(int nodes, bool gateway)
    {
        var (cluster, order) = Start(nodes, gateway);
        cluster.Switch.Silence(order[0]);
        int? answered = null;
        cluster.Run(8000, at => answered ??= Heard(cluster, order[0]).Count > 0 ? at : null);
        Assert.InRange(answered!.Value, 1, 400);
        Assert.Equal([order[1]], cluster.Answering(Vip));
        cluster.Switch.Mend();
        cluster.Run(1000);
        cluster.Run(3000, _ => Assert.Single(cluster.Answering(Vip)));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void AnotherCannotSend_NothingChanges(int nodes)
    {
        var (cluster, order) = Start(nodes, gateway: true);
        cluster.Switch.Silence(order[^1]);
        cluster.Run(8000, _ => AssertOnlyTheOwner(cluster, order));
        cluster.Switch.Mend();
        cluster.Run(4000, _ => AssertOnlyTheOwner(cluster, order));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void AnotherIsCutOff_NothingChanges(int nodes)
    {
        var (cluster, order) = Start(nodes, gateway: true);
        cluster.Switch.Deafen(order[^1], alsoMute: true);
        cluster.Run(8000, _ => AssertOnlyTheOwner(cluster, order));
        cluster.Switch.Mend();
        cluster.Run(4000, _ => AssertOnlyTheOwner(cluster, order));
    }

    // Only its speaker is deaf: the traffic flows to it, and another is its voice.
    [Fact]
    public void OwnersSpeakerReadsNothing_ItsDeputyAnswersWithItsAddress_UntilItReadsAgain()
    {
        var (cluster, order) = Start(3, gateway: true);
        var owner = cluster[order[0]];
        string[] mac = [VirtualCluster.MacOf(order[0])];
        owner.Port.Hangs = true;
        int? answered = null;
        cluster.Run(5000, at =>
        {
            Assert.Equal(mac, cluster.Macs(Vip));
            answered ??= Heard(cluster, order[0]).Count > 0 ? at : null;
        });
        Assert.InRange(answered!.Value, 1, 500);
        owner.Port.Hangs = false;
        cluster.Run(2000, _ => Assert.Equal(mac, cluster.Macs(Vip)));
        Assert.Equal(order[0], cluster.Only(Vip));
        Assert.Single(cluster.Api.Events);
    }

    [Fact]
    public void AnothersSpeakerReadsNothing_NothingChanges()
    {
        var (cluster, order) = Start(3, gateway: true);
        cluster[order[2]].Port.Hangs = true;
        cluster.Run(8000, _ => AssertOnlyTheOwner(cluster, order));
        cluster[order[2]].Port.Hangs = false;
        cluster.Run(3000, _ => AssertOnlyTheOwner(cluster, order));
    }

    // What nobody can tell from its own deaf link; but whoever asks proves that it hears.
    [Fact]
    public void GatewayDiesTogetherWithThePeer_TheLastNodeAnswersAsSoonAsAnybodySpeaks()
    {
        var (cluster, order) = Start(2, gateway: true);
        cluster[order[0]].Port.Plugged = false;
        cluster.Switch.Gateway.Plugged = false;
        cluster.Run(3000);
        cluster[order[1]].Port.Hear(cluster.Switch.Connect("client", "52:54:00:00:00:99", "192.168.96.99/20"));
        cluster.Run(600);
        Assert.Equal(order[1], cluster.Only(Vip));
        Assert.Single(cluster[order[1]].Port.Announced);
    }

    [Fact]
    public void GatewayDies_WhileAnOrdinaryHostIsThere_TheLastNodeAnswersAtOnce()
    {
        var (cluster, order) = Start(2, gateway: true);
        var host = cluster.Switch.Connect("client", "52:54:00:00:00:99", "192.168.96.99/20");
        cluster[order[1]].Port.Hear(host);
        cluster.Run(10_000);
        cluster[order[0]].Port.Plugged = false;
        cluster.Switch.Gateway.Plugged = false;
        cluster.Run(400);
        Assert.Equal([order[1]], Heard(cluster, order[0]));
    }

    [Fact]
    public void SilentLan_TheLastNodeAnswers()
    {
        var (cluster, order) = Start(2, gateway: false);
        cluster[order[0]].Port.Plugged = false;
        cluster.Run(400);
        Assert.Equal(order[1], cluster.Only(Vip));
    }

    // Power comes back to the switch: each node was as cut off as the others.
    [Fact]
    public void SwitchIsDeadForAWhile_NothingHasMoved()
    {
        var (cluster, order) = Start(3, gateway: true);
        cluster.Switch.Passes = (_, _) => false;
        cluster.Run(5000);
        cluster.Switch.Mend();
        cluster.Run(1000);
        cluster.Run(3000, _ => Assert.Equal([order[0]], cluster.Answering(Vip)));
    }

    // One node at a time fails in some way for a while: whoever a client can hear answers within half a second, one alone after a second.
    [Fact]
    public void OneNodeFails_InAnyWay_AtAnyTime_TheOthersAnswerAndOneAlone()
    {
        for (var seed = 1; seed <= 150; seed++)
        {
            var random = new Random(seed);
            var (cluster, order) = Start(2 + random.Next(4), gateway: true);
            cluster.Run(5 * random.Next(40));
            var victim = order[random.Next(order.Count)];
            var fault = random.Next(5);
            Begin(cluster, victim, fault);
            var silence = 0;
            var conflict = 0;
            var owners = new HashSet<string>();
            cluster.Run(500 + (5 * random.Next(800)), at =>
            {
                var macs = cluster.Speakers.Where(s => s.Name != victim || fault == 3).Select(s => s.MacFor(Vip)).OfType<string>().Distinct().ToList();
                owners.UnionWith(macs);
                silence = macs.Count == 0 ? silence + 5 : 0;
                conflict = macs.Count > 1 ? conflict + 5 : 0;
                Assert.True(silence <= 500, $"seed {seed}: fault {fault} of {victim}, {order.Count} nodes: silent for {silence} ms");
                Assert.True(conflict <= 500, $"seed {seed}: fault {fault} of {victim}, {order.Count} nodes: {string.Join(" ", macs)} for {conflict} ms");
            });
            Assert.True(victim == order[0] || owners.SetEquals([VirtualCluster.MacOf(order[0])]), $"seed {seed}: fault {fault} of {victim} moved the address");
            cluster.Switch.Mend();
            cluster[victim].Port.Hangs = false;
            cluster.Run(1000);
            cluster.Run(1500, at => Assert.True(cluster.Macs(Vip).Count == 1,
                $"seed {seed}: {at} ms after fault {fault} of {victim}: [{string.Join(" ", cluster.Macs(Vip))}]"));
        }

        static void Begin(VirtualCluster cluster, string victim, int fault)
        {
            switch (fault)
            {
                case 0:
                    cluster.Switch.Deafen(victim);
                    break;
                case 1:
                    cluster.Switch.Silence(victim);
                    break;
                case 2:
                    cluster.Switch.Deafen(victim, alsoMute: true);
                    break;
                case 3:
                    var other = cluster.Speakers.First(speaker => speaker.Name != victim).Name;
                    cluster.Switch.Passes = (from, to) => from.Node != victim || to.Node != other;
                    break;
                default:
                    cluster[victim].Port.Hangs = true;
                    break;
            }
        }
    }

    private static (VirtualCluster Cluster, IReadOnlyList<string> Order) Start(int nodes, bool gateway)
    {
        var cluster = new VirtualCluster(nodes);
        if (gateway)
        {
            cluster.AddGateway();
        }

        cluster.Api.PutService("web", Vip, [.. cluster.Speakers.Select(speaker => speaker.Name)]);
        cluster.Run(7000);
        var order = cluster.Order(Vip);
        Assert.Equal(order[0], cluster.Only(Vip));
        return (cluster, order);
    }

    // Those of whom a client gets an answer: without the one whose link fails.
    private static List<string> Heard(VirtualCluster cluster, string failed) => [.. cluster.Answering(Vip).Where(node => node != failed)];

    private static void AssertOnlyTheOwner(VirtualCluster cluster, IReadOnlyList<string> order)
    {
        Assert.Equal([order[0]], cluster.Answering(Vip));
        Assert.All(order.Skip(1), node => Assert.Empty(cluster[node].Port.Announced));
    }
}
