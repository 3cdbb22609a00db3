using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>To decide those that may have changed comes to what deciding all comes to.</summary>
public sealed class DecideSomeTests
{
    private static readonly string[] Peers = ["n2", "n3"];
    private static readonly IpAddress[] Addresses = [.. Enumerable.Range(100, 16).Select(n => IpAddress.Parse($"192.168.96.{n}"))];

    private readonly SegmentOwnership some = new();
    private readonly SegmentOwnership all = new();
    private readonly Dictionary<IpAddress, VipFacts> vips = [];
    private readonly Dictionary<(IpAddress Vip, string Node), PeerClaim> claims = [];
    private readonly HashSet<IpAddress> changed = [];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void DecideSome_OfThoseThatChangedAndThoseThatAreDue_IsDecide(int seed)
    {
        var random = new Random(seed);
        var orders = new ElectionOrders();
        HashSet<IpAddress> open = [];
        for (int i = 0, at = 0; i < 4000; i++, at += random.Next(400))
        {
            changed.Clear();
            for (var n = random.Next(3); n > 0; n--)
            {
                Change(random);
            }

            var view = new SegmentView(Of("n1") with { Source = MemberSource.Self }, [.. Peers.Select(static peer => Of(peer))], MayAct: true)
            {
                Claims = ClaimView.Of(claims.Values),
            };
            var election = new SegmentElection(orders, view, _ => NodeFacts.Unknown, now: Ms(at));
            open.UnionWith(changed);
            some.AddDue(Ms(at), open);
            var (expected, found) = (new List<OwnershipTransition>(), new List<OwnershipTransition>());
            var dueOfAll = all.Decide(vips, election, view, null, Ms(at), expected);
            var due = some.DecideSome(open, vips, election, view, Ms(at), found);
            Assert.Equal(expected.OrderBy(static t => t.Vip), found.OrderBy(static t => t.Vip));
            Assert.Equal(dueOfAll, due);
            Assert.Equal((all.Owned, all.HandedOver, all.Represented), (some.Owned, some.HandedOver, some.Represented));
            Assert.Equal(all.All.OrderBy(static s => s.Key), some.All.OrderBy(static s => s.Key));
            open.Clear();
            open.UnionWith(found.Select(static t => t.Vip));
        }

        Assert.InRange(all.Owned + all.HandedOver, 1, Addresses.Length);
    }

    private void Change(Random random)
    {
        var vip = Addresses[random.Next(Addresses.Length)];
        var peer = Peers[random.Next(Peers.Length)];
        changed.Add(vip);
        switch (random.Next(6))
        {
            case 0:
                vips.Remove(vip);
                break;
            case 1:
                claims.Remove((vip, peer));
                break;
            case 2:
                claims[(vip, peer)] = new PeerClaim(peer, "eth0", new Claim(vip, peer, (ulong)random.Next(1, 9), random.Next(3) == 0 ? ClaimKind.Yielding : ClaimKind.Owner));
                break;
            default:
                vips[vip] = Vip(vip.ToString()) with
                {
                    Served = random.Next(4) > 0,
                    ServingNodes = random.Next(3) > 0 ? null : new HashSet<string> { random.Next(2) == 0 ? "n1" : peer },
                };
                break;
        }
    }
}
