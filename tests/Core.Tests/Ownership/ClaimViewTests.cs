using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

public sealed class ClaimViewTests
{
    private static readonly string[] Nodes = ["n1", "n2", "n3"];
    private static readonly IpAddress[] Vips = [.. Enumerable.Range(100, 20).Select(n => IpAddress.Parse($"192.168.96.{n}"))];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void With_AnyChanges_SaysWhatAViewOfAllSays(int seed)
    {
        var random = new Random(seed);
        var claims = new Dictionary<(IpAddress Vip, string Node), PeerClaim>();
        var view = ClaimView.Empty;
        for (var i = 0; i < 2000; i++)
        {
            var changed = new HashSet<IpAddress>();
            for (var n = random.Next(5); n >= 0; n--)
            {
                var (vip, node) = (Vips[random.Next(Vips.Length)], Nodes[random.Next(Nodes.Length)]);
                changed.Add(vip);
                if (random.Next(3) == 0)
                {
                    claims.Remove((vip, node));
                }
                else
                {
                    claims[(vip, node)] = new PeerClaim(node, "eth0", new Claim(vip, node, (ulong)random.Next(5), ClaimKind.Owner));
                }
            }

            var before = view;
            view = view.With(changed, On);
            Assert.Equal(changed, view.ChangedSince(before));
            var all = ClaimView.Of(Vips.SelectMany(On));
            Assert.Equal(all.Vips.Order(), view.Vips.Order());
            Assert.All(Vips, vip => Assert.Equal(all.For(vip).ToArray(), view.For(vip).ToArray()));
        }

        PeerClaim[] On(IpAddress vip) => [.. Nodes.Where(node => claims.ContainsKey((vip, node))).Select(node => claims[(vip, node)])];
    }

    [Fact]
    public void ChangedSince_OneBeforeTheLast_IsNotKnown()
    {
        var first = ClaimView.Of([Claim(0)]);
        var second = first.With(new HashSet<IpAddress> { Vips[1] }, _ => [Claim(1)]);
        var third = second.With(new HashSet<IpAddress> { Vips[2] }, _ => [Claim(2)]);
        Assert.Equal([Vips[2]], third.ChangedSince(second)!);
        Assert.Null(third.ChangedSince(first));
        Assert.Null(ClaimView.Of([Claim(0)]).ChangedSince(first));
        Assert.Empty(third.ChangedSince(third)!);
    }

    // What peers say one after the other comes to what a newcomer hears of it at once.
    [Fact]
    public void View_ClaimsComeAndGo_HasThoseOfEachPeer_AndNamesTheOthersNot()
    {
        var membership = ReadyNode();
        Talker two = new("n2", 7), three = new("n3", 8);
        foreach (var talker in (Talker[])[two, three])
        {
            membership.Hear(talker.Say(), Ms(10));
            membership.Hear(talker.Say(), Ms(20));
        }

        membership.Hear(two.Claim(Own("n2", 0), Own("n2", 1)), Ms(30));
        var before = membership.View(Ms(30), []).Claims;
        membership.Hear(three.Claim(Own("n3", 1)), Ms(40));
        var now = membership.View(Ms(40), []).Claims;
        Assert.Equal([Vips[1]], now.ChangedSince(before)!);
        Assert.Equal(["n2", "n3"], now.For(Vips[1]).ToArray().Select(static claim => claim.Claimant));
        Assert.Equal(["n2"], now.For(Vips[0]).ToArray().Select(static claim => claim.Claimant));
        Assert.Same(now, membership.View(Ms(45), []).Claims);

        membership.Hear(two.Claim(Own("n2", 1) with { Kind = ClaimKind.Released }), Ms(50));
        var last = membership.View(Ms(50), []).Claims;
        Assert.Equal([Vips[1]], last.ChangedSince(now)!);
        Assert.Equal(["n3"], last.For(Vips[1]).ToArray().Select(static claim => claim.Claimant));
    }

    private static Claim Own(string node, int vip) => new(Vips[vip], node, 3, ClaimKind.Owner);

    private static PeerClaim Claim(int vip) => new("n2", "eth0", Own("n2", vip));
}
