using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Pools;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>For 192.168.96.100 the order of n1, n2 and n3 is known from <see cref="Election.Order"/>; each case takes the first out.</summary>
public sealed class SegmentElectionTests
{
    private static readonly VipFacts V = Vip("192.168.96.100");
    private static readonly IReadOnlyList<string> Order = Election.Order(V.Address, ["n1", "n2", "n3"]);
    private readonly Dictionary<string, SegmentMember> members = new() { ["n1"] = Of("n1"), ["n2"] = Of("n2"), ["n3"] = Of("n3") };
    private readonly Dictionary<string, NodeFacts> nodes = [];

    [Fact]
    public void Decide_AllFit_IsTheFirstInOrder() => Assert.Equal(Order[0], Decide(V).Owner);

    public static TheoryData<Ineligible, Func<SegmentMember, SegmentMember>> MembersOut => new()
    {
        { Ineligible.SpeakerNotReady, m => m with { Ready = false } },
        { Ineligible.Leaving, m => m with { Leaving = true } },
        { Ineligible.OtherSubnet, m => m with { Prefixes = [], OtherPrefixes = [IpPrefix.Parse("192.168.96.13/20")] } },
    };

    [Theory]
    [MemberData(nameof(MembersOut))]
    public void Decide_FirstIsOut_IsTheSecondAndExplainsWhy(Ineligible why, Func<SegmentMember, SegmentMember> change)
    {
        members[Order[0]] = change(members[Order[0]]);
        AssertSecond(V, why);
    }

    public static TheoryData<Ineligible, NodeFacts> NodesOut => new()
    {
        { Ineligible.NodeExcluded, NodeFacts.Unknown with { Excluded = true } },
        { Ineligible.NetworkUnavailable, NodeFacts.Unknown with { NetworkUnavailable = true } },
    };

    [Theory]
    [MemberData(nameof(NodesOut))]
    public void Decide_FirstNodeIsUnfit_IsTheSecondAndExplainsWhy(Ineligible why, NodeFacts facts)
    {
        nodes[Order[0]] = facts;
        AssertSecond(V, why);
    }

    [Fact]
    public void Decide_PolicyLocal_IsTheFirstWithAServingEndpoint() =>
        AssertSecond(V with { ServingNodes = new HashSet<string> { Order[1], Order[2] } }, Ineligible.NoLocalEndpoint);

    [Fact]
    public void Decide_PoolSelectsNodes_IsTheFirstSelected()
    {
        nodes[Order[1]] = NodeFacts.Unknown with { Labels = new Dictionary<string, string> { ["edge"] = "true" } };
        var pool = AnyPool with { NodeSelectors = [new LabelSelector([new LabelRequirement("edge", LabelOperator.In, ["true"])])] };
        AssertSecond(V with { Pool = pool }, Ineligible.NodeSelector);
    }

    [Fact]
    public void Decide_PoolNamesInterfaces_IsTheFirstWithOne()
    {
        members[Order[1]] = members[Order[1]] with { Link = "lan0" };
        AssertSecond(V with { Pool = AnyPool with { Interfaces = ["lan0"] } }, Ineligible.Interface);
    }

    [Fact]
    public void Decide_NodeWithoutTheSubnet_OwnsOnlyIfNobodyHasIt()
    {
        members[Order[0]] = members[Order[0]] with { Prefixes = [IpPrefix.Parse("10.0.0.1/24")] };
        Assert.Equal(Order[1], Decide(V).Owner);

        foreach (var name in Order)
        {
            members[name] = members[name] with { Prefixes = [IpPrefix.Parse("10.0.0.1/24")] };
        }

        Assert.Equal(Order[0], Decide(V).Owner);
    }

    [Fact]
    public void Decide_NodeNotReady_OwnsOnlyIfNoReadyOneIsThere()
    {
        var notReady = NodeFacts.Unknown with { Ready = false };
        nodes[Order[0]] = notReady;
        Assert.Equal(Order[1], Decide(V).Owner);
        nodes[Order[1]] = nodes[Order[2]] = notReady;
        Assert.Equal(Order[0], Decide(V).Owner);
    }

    [Fact]
    public void Decide_Holding_OwnsOnlyIfNobodyElseCan()
    {
        members[Order[0]] = members[Order[0]] with { Holding = true };
        Assert.Equal(Order[1], Decide(V).Owner);
        members[Order[1]] = members[Order[1]] with { Ready = false };
        members[Order[2]] = members[Order[2]] with { Leaving = true };
        Assert.Equal(Order[0], Decide(V).Owner);
    }

    [Fact]
    public void Decide_NoServingEndpoint_IsNobody() =>
        Assert.Equal(NoOwner.NoServingEndpoint, Decide(V with { Served = false }).Reason);

    [Fact]
    public void Decide_NobodyFits_IsNobody() =>
        Assert.Equal(NoOwner.NoEligibleNode, Decide(V with { ServingNodes = new HashSet<string>() }).Reason);

    [Fact]
    public void Decide_DualStack_FollowsTheFirstAddress()
    {
        var pair = Vip("192.168.96.101") with { ElectionAddress = V.Address };
        Assert.Equal(Decide(V).Owner, Decide(pair).Owner);
    }

    [Fact]
    public void SelfReports_AmongAllNodes_IsExactlyOne()
    {
        nodes[Order[0]] = NodeFacts.Unknown with { Excluded = true };
        Assert.Equal([true, false, false], Order.Select(node => Elect(node).SelfReports(V.ElectionAddress)));
        members[Order[0]] = members[Order[0]] with { Leaving = true };
        Assert.Equal([false, true, false], Order.Select(node => Elect(node).SelfReports(V.ElectionAddress)));
    }

    // It claims, does not answer, and does not hear who took over from it.
    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public void Decide_DoubtedNodeThatHearsNobody_StillClaims_ThisNodeStaysTheOwner(ulong term)
    {
        members["n2"] = members["n2"] with { HearsUs = false };
        var claims = ClaimView.Of([new PeerClaim("n2", "eth0", new Claim(V.Address, "n2", 5, ClaimKind.Owner))]);
        var own = Owning("n1", term) with { Doubts = "n2" };
        var election = new SegmentElection(new ElectionOrders(),
            new SegmentView(members["n1"] with { Source = MemberSource.Self }, [members["n2"]], MayAct: true) { Claims = claims },
            static _ => NodeFacts.Unknown);
        var decision = election.Decide(V, own);
        Assert.Equal(("n1", true), (decision.Owner, decision.DoubtedClaims));

        // In the same term for as long as it lasts: what it says does not outrank one that knows better.
        Assert.Equal(term > 5 ? "n1" : "n2", decision.Incumbent);
        Assert.Equal("n2", OwnershipMachine.Step(own, new OwnershipInput("n1", decision, null), default).State.Doubts);
        Assert.Equal("n2", election.Decide(V, own with { Doubts = null }).Owner);
        Assert.Null(OwnershipMachine.Step(own, new OwnershipInput("n1", decision with { DoubtedClaims = false }, null), default).State.Doubts);
    }

    [Fact]
    public void Decide_DeafNodeClaims_DoesNotCountAndIsNoCandidate()
    {
        members["n2"] = members["n2"] with { HearsUs = false, Deaf = true };
        var claims = ClaimView.Of([new PeerClaim("n2", "eth0", new Claim(V.Address, "n2", 5, ClaimKind.Owner))]);
        var election = new SegmentElection(new ElectionOrders(),
            new SegmentView(members["n1"] with { Source = MemberSource.Self }, [members["n2"]], MayAct: true) { Claims = claims },
            static _ => NodeFacts.Unknown);
        var decision = election.Decide(V, Watching("n2", 5));
        Assert.Equal(("n1", null, false), (decision.Owner, decision.Incumbent, decision.FormerGaveWay));
        Assert.Contains(election.Explain(V), verdict => verdict is { Node: "n2", Why: Ineligible.CannotHear });
    }

    [Fact]
    public void Decide_EveryNode_ComesToTheSameOwner()
    {
        for (var i = 0; i < 50; i++)
        {
            var vip = Vip($"192.168.97.{i}");
            Assert.Single(Order.Select(node => Elect(node).Decide(vip).Owner).Distinct());
        }
    }

    // It hears no claim and answers on no wire that anybody is known to hear.
    [Fact]
    public void Decide_OwnerIsAway_WhoIsKnownByItsLeaseAloneIsNoDeputy()
    {
        var unheard = members[Order[1]] with { Source = MemberSource.Lease, Apart = true };
        var view = new SegmentView(members[Order[2]] with { Source = MemberSource.Self }, [members[Order[0]] with { Away = true }, unheard], MayAct: true)
        {
            Claims = ClaimView.Of([new PeerClaim(Order[0], "eth0", new Claim(V.Address, Order[0], 3, ClaimKind.Owner))]),
        };
        var decision = new SegmentElection(new ElectionOrders(), view, _ => NodeFacts.Unknown).Decide(V);
        Assert.Equal((Order[0], true, Order[2]), (decision.Owner, decision.OwnerAway, decision.Deputy));
    }

    // It cannot hear the question either: that it does not answer says nothing.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Watches_OwnerThatDoesNotHearThisNode_IsNotAsked(bool hearsUs)
    {
        var owner = members[Order[0]] with { HearsUs = hearsUs };
        var view = new SegmentView(members[Order[1]] with { Source = MemberSource.Self }, [owner, members[Order[2]]], MayAct: true)
        {
            Claims = ClaimView.Of([new PeerClaim(Order[0], "eth0", new Claim(V.Address, Order[0], 3, ClaimKind.Owner))]),
        };
        var election = new SegmentElection(new ElectionOrders(), view, _ => NodeFacts.Unknown);
        Assert.Equal(hearsUs, election.Watches(V, Order[0]) is not null);
    }

    private void AssertSecond(VipFacts vip, Ineligible why)
    {
        Assert.Equal(Order[1], Decide(vip).Owner);
        Assert.Equal(new LinkVerdict(Order[0], "eth0", why), Elect("n1").Explain(vip)[0]);
    }

    private OwnerDecision Decide(VipFacts vip) => Elect("n1").Decide(vip);

    private SegmentElection Elect(string self) => new(
        new ElectionOrders(),
        new SegmentView(members[self] with { Source = MemberSource.Self }, [.. members.Values.Where(m => m.Node != self)], MayAct: true),
        name => nodes.GetValueOrDefault(name, NodeFacts.Unknown));
}
