using LoadBalancer.Core.Conflicts;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Core.Tests.Conflicts;

public sealed class ProberElectionTests
{
    [Fact]
    public void OfThoseAlive_ExactlyOneProbes()
    {
        string[] nodes = ["n1", "n2", "n10"];
        Assert.Equal(["n1"], nodes.Where(self => ProberElection.IsElected(View(self, nodes.Except([self])))));
    }

    [Fact]
    public void FirstLeavingOrNotReady_TheNextProbes()
    {
        Assert.True(ProberElection.IsElected(new SegmentView(Member("n2"), [Member("n1") with { Leaving = true }], MayAct: true)));
        Assert.True(ProberElection.IsElected(new SegmentView(Member("n2"), [Member("n1") with { Ready = false }], MayAct: true)));
        Assert.False(ProberElection.IsElected(new SegmentView(Member("n1") with { Ready = false }, [], MayAct: true)));
    }

    private static SegmentView View(string self, IEnumerable<string> peers) => new(Member(self), [.. peers.Select(Member)], MayAct: true);

    private static SegmentMember Member(string node) =>
        new(node, "eth0", MemberSource.Wire, [], [], Ready: true, Leaving: false, Holding: false, HearsUs: true);
}
