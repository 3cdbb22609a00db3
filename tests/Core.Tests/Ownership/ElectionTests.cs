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
}
