using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;

namespace LoadBalancer.Core.Tests.Allocation;

public sealed class ListedAddressesTests
{
    private static readonly IpAddress Own = IpAddress.Parse("192.168.96.11");
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.96.100");
    private readonly ListedAddresses addresses = new();
    private readonly HashSet<IpAddress> inUse = [];
    private int asked;

    [Fact]
    public void ListedBeforeAnyServiceHadIt_IsTheNodes_AndStaysSo()
    {
        Assert.Equal([Own], OwnOf(Own));
        inUse.Add(Own);
        Assert.Equal([Own], OwnOf(Own));
        Assert.Equal(1, asked);
    }

    [Fact]
    public void ListedWhileAServiceHadIt_IsTheServices_AsLongAsItIsListed()
    {
        inUse.Add(Vip);
        Assert.Equal([Own], OwnOf(Own, Vip));
        inUse.Clear();
        Assert.Equal([Own], OwnOf(Own, Vip));
        Assert.Equal([Own], OwnOf(Own));
        Assert.Equal([Own, Vip], OwnOf(Own, Vip));
    }

    [Fact]
    public void WhileNotAllServicesAreKnown_NothingIsRemembered()
    {
        Assert.Equal([Vip], OwnOf([Vip], isSure: false));
        inUse.Add(Vip);
        Assert.Empty(OwnOf([Vip], isSure: false));
        Assert.Empty(OwnOf(Vip));
        inUse.Clear();
        Assert.Empty(OwnOf([Vip], isSure: false));
    }

    [Fact]
    public void NodeThatIsGone_IsForgotten()
    {
        Assert.Equal([Vip], OwnOf(Vip));
        inUse.Add(Vip);
        addresses.Retain(static node => node != "n1");
        Assert.Empty(OwnOf(Vip));
    }

    private IReadOnlyList<IpAddress> OwnOf(params IpAddress[] listed) => OwnOf(listed, isSure: true);

    private IReadOnlyList<IpAddress> OwnOf(IpAddress[] listed, bool isSure) => addresses.OwnOf("n1", listed, () =>
    {
        asked++;
        return inUse;
    }, isSure);
}
