using CsCheck;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Core.Tests.Ownership;

public sealed class ElectionTests
{
    private static readonly string[] FiveNodes = ["node1", "node2", "node3", "node4", "node5"];

    // Computed with sha256sum: what MetalLB elects.
    [Theory]
    [InlineData("192.168.1.240", "5,3,4,1,2")]
    [InlineData("192.168.1.241", "1,4,3,2,5")]
    [InlineData("192.168.1.242", "1,3,4,2,5")]
    [InlineData("10.0.0.1", "2,1,5,4,3")]
    public void Order_FiveNodes_IsTheOneMetalLBHas(string ip, string expected) =>
        Assert.Equal(expected.Split(',').Select(n => "node" + n), Election.Order(IpAddress.Parse(ip), FiveNodes));

    [Theory]
    [InlineData("10.20.30.1", "iris2")]
    [InlineData("10.20.30.2", "iris1")]
    [InlineData("10.20.30.3", "iris1")]
    [InlineData("192.168.1.240", "iris1")]
    [InlineData("fc00:f853:ccd:e799::1", "iris1")]
    public void Order_TwoNodes_StartsWith(string ip, string first) =>
        Assert.Equal(first, Election.Order(IpAddress.Parse(ip), ["iris1", "iris2"])[0]);

    [Fact]
    public void Orders_NodesMetOneByOne_EqualTheOrderOfAllAtOnce()
    {
        Gen.Select(Gen.UInt, Gen.Int[1, 20]).Sample((ip, count) =>
        {
            var address = IpAddress.FromUInt32(ip);
            var orders = new ElectionOrders();
            var names = Enumerable.Range(0, count).Select(i => $"n{i}").ToList();
            foreach (var name in names)
            {
                orders.IdOf(name);
                orders.Order(address);
            }

            Assert.Equal(Election.Order(address, names), orders.Order(address).ToArray().Select(e => orders.Nodes[e.Node]));
        }, iter: 200);
    }

    [Fact]
    public void Orders_Remembered_AllocateNothing()
    {
        var orders = new ElectionOrders();
        foreach (var node in FiveNodes)
        {
            orders.IdOf(node);
        }

        var address = IpAddress.Parse("192.168.1.240");
        orders.Order(address);

        // The runtime may allocate on this thread while it compiles anew; an allocation of the look-up's own would be there each time.
        var least = long.MaxValue;
        for (var i = 0; i < 10; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var length = orders.Order(address).Length;
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(5, length);
        }

        Assert.Equal(0, least);
    }

    [Fact]
    public void Retain_AddressNoLongerLive_IsForgotten()
    {
        var orders = new ElectionOrders();
        orders.Order(IpAddress.Parse("10.0.0.1"));
        orders.Order(IpAddress.Parse("10.0.0.2"));
        orders.Retain(new HashSet<IpAddress> { IpAddress.Parse("10.0.0.2") });
        Assert.Equal(1, orders.Count);
    }

    [Fact]
    public void Forget_NodeNotAskedForLately_LeavesEveryOrder_AndTheOthersKeepTheirs()
    {
        var orders = new ElectionOrders();
        var early = IpAddress.Parse("192.168.1.240");
        var late = IpAddress.Parse("192.168.1.241");
        foreach (var node in FiveNodes[..3])
        {
            orders.IdOf(node);
        }

        orders.Order(early);
        orders.IdOf("node4");
        orders.IdOf("node5");
        orders.Order(late);
        orders.Forget(ElectionOrders.KeepFor);
        foreach (var node in (string[])["node5", "node2", "node4"])
        {
            orders.IdOf(node);
        }

        orders.Forget(ElectionOrders.KeepFor + TimeSpan.FromSeconds(1));

        Assert.Equal(["node2", "node4", "node5"], orders.Nodes);
        Assert.Equal(["node5", "node4", "node2"], Names(orders, early));
        Assert.Equal(["node4", "node2", "node5"], Names(orders, late));
        Assert.Equal(1, orders.IdOf("node4"));
        Assert.Equal(3, orders.IdOf("node1"));
        Assert.Equal(["node5", "node4", "node1", "node2"], Names(orders, early));
    }

    // A cluster whose nodes get another name each time they are made anew.
    [Fact]
    public void Forget_ThousandsOfNamesWithinTheHour_KeepsThoseOfTheLastElectionsOnly()
    {
        var orders = new ElectionOrders();
        var address = IpAddress.Parse("192.168.1.240");
        for (var second = 0; second < 3_000; second++)
        {
            orders.Forget(TimeSpan.FromSeconds(second));
            orders.IdOf("lasting");
            orders.IdOf($"passing-{second}");
            Assert.InRange(orders.Order(address).Length, 1, ElectionOrders.MostNodes + 2);
        }

        Assert.Contains("lasting", orders.Nodes);
        Assert.Equal(Election.Order(address, orders.Nodes), Names(orders, address));
    }

    private static IEnumerable<string> Names(ElectionOrders orders, IpAddress address) =>
        orders.Order(address).ToArray().Select(entry => orders.Nodes[entry.Node]);
}
