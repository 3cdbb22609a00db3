using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

public sealed class SegmentOwnershipTests
{
    private static readonly VipFacts V = Vip("192.168.96.100");
    private static readonly IReadOnlyList<string> Order = Election.Order(V.Address, ["n1", "n2"]);

    private readonly SegmentOwnership ownership = new();

    // The former owner gave way and nobody claims it; this node is to wait for a moment, and may not act when that is over.
    [Fact]
    public void Decide_TheWaitIsOverAndTheNodeMayNotAct_HasNoDeadlineInThePast()
    {
        Decide(0, mayAct: true, new Claim(V.Address, Order[1], 3, ClaimKind.Owner));
        var waits = Decide(100, mayAct: true);
        Assert.InRange(waits!.Value, Ms(101), Ms(1000));
        Assert.Null(Decide(1000, mayAct: false));
        Assert.Equal(OwnershipPhase.Away, ownership[V.Address].Phase);
        Decide(1001, mayAct: true);
        Assert.Equal(OwnershipPhase.Owner, ownership[V.Address].Phase);
    }

    private TimeSpan? Decide(int at, bool mayAct, params Claim[] claims)
    {
        var view = new SegmentView(Of(Order[0]) with { Source = MemberSource.Self }, [Of(Order[1])], mayAct)
        {
            Claims = ClaimView.Of(claims.Select(claim => new PeerClaim(claim.Subject, "eth0", claim))),
        };
        return ownership.Decide(new Dictionary<IpAddress, VipFacts> { [V.Address] = V },
            new SegmentElection(new ElectionOrders(), view, _ => NodeFacts.Unknown), view, null, Ms(at), []);
    }
}
