using CsCheck;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Tests.Links;

public sealed class SolicitedNodeGroupsTests : IDisposable
{
#pragma warning disable CA2213 // Disposed with the groups that own it.
    private readonly FakeGroups kernel = new();
#pragma warning restore CA2213
    private readonly SolicitedNodeGroups groups;

    public SolicitedNodeGroupsTests() => groups = new SolicitedNodeGroups(kernel);

    public void Dispose() => groups.Dispose();

    [Fact]
    public void Address_OfTheTable_HasItsGroupJoined()
    {
        Assert.Null(groups.Follow(Table("fd00:96::1:2345:6789")));

        Assert.Equal(["ff02::1:ff45:6789"], kernel.Joined);
        Assert.Equal((1, 0), (groups.Count, groups.Missing));
    }

    [Fact]
    public void IPv4Address_HasNoGroup()
    {
        groups.Follow(Table("192.168.96.100"));

        Assert.Empty(kernel.Joined);
    }

    [Fact]
    public void AddressesOfOneGroup_KeepItUntilTheLastIsGone()
    {
        groups.Follow(Table("fd00:96::a:0:100", "fd00:96::b:0:100", "fd00:96::200"));
        groups.Follow(Table("fd00:96::b:0:100"));
        Assert.Equal(2, kernel.Joins);
        Assert.Contains("ff02::1:ff00:100", kernel.Joined);

        groups.Follow(AnswerTable.Empty);
        Assert.Empty(kernel.Joined);
    }

    [Fact]
    public void SameTable_AsksTheKernelNothing()
    {
        var table = Table("fd00:96::100");
        groups.Follow(table);
        groups.Follow(table);

        Assert.Equal(1, kernel.Joins);
    }

    [Fact]
    public void Group_ThatCannotBeJoined_IsReportedAndTriedAgain()
    {
        var table = Table("fd00:96::100");
        kernel.Refuses = "no room";

        Assert.Equal((IpAddress.Parse("ff02::1:ff00:100"), "no room"), groups.Follow(table));
        Assert.Equal((0, 1), (groups.Count, groups.Missing));

        kernel.Refuses = null;
        Assert.Null(groups.Follow(table));
        Assert.Equal((1, 0), (groups.Count, groups.Missing));
    }

    [Fact]
    public void AnyTablesInARow_LeaveExactlyTheGroupsOfTheLast() =>
        Gen.Int[0, 300].Select(i => (UInt128)(i % 8 << 16 | i)).Array[0, 30].Array[1, 6].Sample(tables =>
        {
            using var fake = new FakeGroups();
            using var following = new SolicitedNodeGroups(fake);
            foreach (var addresses in tables)
            {
                following.Follow(Table([.. addresses.Distinct().Select(low => IpAddress.Parse("fd00:96:0:1::").Add(low << 8).ToString())]));
            }

            return fake.Joined.SetEquals(tables[^1].Select(low =>
                IpAddress.From(IpFamily.IPv6, Ipv6Multicast.SolicitedNode(IpAddress.Parse("fd00:96:0:1::").Add(low << 8).Value)).ToString()));
        });

    private static AnswerTable Table(params string[] addresses) => AnswerTable.Create(
        addresses.Select(address => KeyValuePair.Create(IpAddress.Parse(address), MacAddress.Parse("52:54:00:00:00:01"))));
}
