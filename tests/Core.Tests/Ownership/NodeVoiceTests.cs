using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>A node with several interfaces on one segment: which of them speaks, and that all nodes come to the same answer.</summary>
public sealed class NodeVoiceTests
{
    private const string Subnet = "192.168.96.0/20";
    private const string Elsewhere = "10.0.0.1/24";
    private static readonly VipFacts V = Vip("192.168.96.100");

    /// <summary>The pool's interfaces; the node's links with the prefix of each; which of them speaks; why each may not.</summary>
    public static TheoryData<string[], (string Link, string? Prefix)[], string, Ineligible[]> Cases => new()
    {
        { [], [("eth0", Subnet), ("eth1", Subnet)], "eth0", [Ineligible.None, Ineligible.None] },
        { [], [("eth1", Subnet), ("eth0", null)], "eth1", [Ineligible.OtherSubnet, Ineligible.None] },
        { [], [("eth0", Elsewhere), ("eth1", Subnet)], "eth1", [Ineligible.OtherSubnet, Ineligible.None] },
        { [], [("eth0", null), ("eth1", null)], "eth0", [Ineligible.None, Ineligible.None] },
        { [], [("eth0", Subnet), ("mac0", Subnet), ("aaa0", null)], "eth0", [Ineligible.OtherSubnet, Ineligible.None, Ineligible.None] },
        { ["eth1"], [("eth0", Subnet), ("eth1", Subnet)], "eth1", [Ineligible.Interface, Ineligible.None] },
        { ["eth1"], [("eth0", Subnet), ("eth1", null)], "eth1", [Ineligible.Interface, Ineligible.None] },
        { ["eth1"], [("eth1", null)], "eth1", [Ineligible.None] },
        { ["eth1", "eth0"], [("eth0", Subnet), ("eth1", Subnet)], "eth0", [Ineligible.None, Ineligible.None] },
        { ["eth0", "eth1"], [("eth0", null), ("eth1", Subnet)], "eth1", [Ineligible.None, Ineligible.None] },
        { ["lan9"], [("eth1", Subnet), ("eth0", Subnet)], "eth0", [Ineligible.Interface, Ineligible.Interface] },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Voice_OfANodeWithSeveralInterfaces_IsOneAndTheSameForAll(
        string[] named, (string Link, string? Prefix)[] links, string expected, Ineligible[] why)
    {
        var vip = V with { Pool = AnyPool with { Interfaces = named } };
        var node = links.Select((link, i) => Member("n1", link.Link, links) with { Mac = new MacAddress(1UL + (ulong)i) }).ToList();
        foreach (var self in node)
        {
            var own = Elect(self, [.. node.Where(other => other != self)], [], ClaimView.Empty);
            Assert.Equal(expected, own.Voice(vip));
            Assert.Equal(why, own.Explain(vip).Select(verdict => verdict.Why));
            Assert.Equal(why.Contains(Ineligible.None) ? "n1" : null, own.Decide(vip).Owner);
        }

        // Another node sees both and the same owner; of its hardware addresses it takes the one that will speak.
        var peer = Elect(Of("n2") with { Ready = false }, [], node, ClaimView.Empty).Decide(vip);
        Assert.Equal(why.Contains(Ineligible.None) ? ("n1", node.Single(m => m.Link == expected).Mac) : (null, default), (peer.Owner, peer.OwnerMac));
    }

    [Fact]
    public void OwnerMac_OfAClaimedVip_IsThatOfTheInterfaceThatClaimsIt()
    {
        SegmentMember[] node =
        [
            Of("n1") with { Mac = new MacAddress(1), Away = true },
            Of("n1", link: "eth1") with { Mac = new MacAddress(2), Away = true },
        ];
        var claims = ClaimView.Of([new PeerClaim("n1", "eth1", new Claim(V.Address, "n1", 3, ClaimKind.Owner))]);
        var decision = Elect(Of("n2"), [], node, claims).Decide(V);
        Assert.Equal(("n1", true, new MacAddress(2)), (decision.Owner, decision.OwnerAway, decision.OwnerMac));
    }

    [Fact]
    public void Incumbent_WhoseSecondInterfaceThePoolNames_KeepsTheVip()
    {
        var vip = V with { Pool = AnyPool with { Interfaces = ["eth1"] } };
        var claims = ClaimView.Of([new PeerClaim("n1", "eth1", new Claim(V.Address, "n1", 3, ClaimKind.Owner))]);
        var decision = Elect(Of("n2", link: "eth1"), [], [Of("n1"), Of("n1", link: "eth1")], claims).Decide(vip);
        Assert.Equal(("n1", 3UL), (decision.Owner, decision.Term));
    }

    [Fact]
    public void Adopt_WhatASiblingOwned_GoesOnInTheSameTermAndAnnounces()
    {
        var ownership = new SegmentOwnership();
        var state = Owning("n1", 7);
        var adopted = ownership.Adopt(V.Address, state);
        Assert.Equal((OwnershipAction.Announce, 7UL), (adopted!.Value.Action, ownership[V.Address].Term));
        Assert.Null(ownership.Adopt(V.Address, state));
        Assert.Null(new SegmentOwnership().Adopt(V.Address, state with { Part = new OwnershipPart.Deputy("n2", new MacAddress(1)) }));
        Assert.Null(new SegmentOwnership().Adopt(V.Address, default));
    }

    private static SegmentMember Member(string node, string link, (string Link, string? Prefix)[] links) => Of(node, link: link) with
    {
        Prefixes = [.. links.Where(l => l.Link == link && l.Prefix is not null).Select(l => IpPrefix.Parse(l.Prefix!))],
        OtherPrefixes = [.. links.Where(l => l.Link != link && l.Prefix is not null).Select(l => IpPrefix.Parse(l.Prefix!))],
    };

    private static SegmentElection Elect(SegmentMember self, SegmentMember[] siblings, IReadOnlyList<SegmentMember> peers, ClaimView claims) => new(
        new ElectionOrders(),
        new SegmentView(self with { Source = MemberSource.Self }, peers, MayAct: true) { Siblings = siblings, Claims = claims },
        static _ => NodeFacts.Unknown);
}
