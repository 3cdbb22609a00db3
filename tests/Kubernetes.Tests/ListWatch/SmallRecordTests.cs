using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Tests.ListWatch;

public sealed class SmallRecordTests
{
    private const string Uuid = "6f1f7c3e-0000-4000-8000-00000000000a";

    private readonly Store<AnnouncedService> store = new();
    private readonly List<string> changes = [];

    public SmallRecordTests() => store.Changed += key => changes.Add(key.Name);

    [Theory]
    [InlineData(Uuid, "18446744073709551615")]
    [InlineData("6F1F7C3E-0000-4000-8000-00000000000A", "1")]
    [InlineData("{6f1f7c3e-0000-4000-8000-00000000000a}", "1")]
    [InlineData(Uuid, "007")]
    [InlineData(Uuid, "18446744073709551616")]
    [InlineData(Uuid, "v7")]
    [InlineData("web", "7")]
    [InlineData("", "")]
    public void UidAndVersion_ReadAsTheyCame(string uid, string version)
    {
        var service = new AnnouncedService { Key = new ObjectKey("n", "a"), ResourceVersion = version, Uid = uid };
        Assert.Equal((uid, version), (service.Uid, service.ResourceVersion));
    }

    [Fact]
    public void AnotherVersion_AnotherObject_AndOneWithoutVersion_AreNotTheSame()
    {
        var service = Service("192.168.96.100");
        Assert.True(service.IsSameVersionAs(Service("192.168.96.100")));
        Assert.False(service.IsSameVersionAs(service with { ResourceVersion = "8" }));
        Assert.False(service.IsSameVersionAs(service with { ResourceVersion = "v7" }));
        Assert.False(service.IsSameVersionAs(service with { Uid = "6f1f7c3e-0000-4000-8000-00000000000b" }));
        var without = service with { ResourceVersion = "" };
        Assert.False(without.IsSameVersionAs(without));
        Assert.True(service.IsSameObjectAs(service with { ResourceVersion = "v7" }));
        Assert.False(service.IsSameObjectAs(service with { Uid = "web" }));
    }

    [Fact]
    public void AServiceWithoutAnAddress_IsNotKept_AndNobodyIsTold()
    {
        store.Replace([Service(), Service("192.168.96.100") with { Key = new ObjectKey("n", "b") }]);
        store.Apply(new(WatchEventType.Added, Service() with { Key = new ObjectKey("n", "c") }, "8"));
        Assert.Equal(["b"], changes);
        Assert.Equal(1, store.Count);
    }

    [Fact]
    public void AServiceThatLosesItsAddress_IsGone()
    {
        store.Apply(new(WatchEventType.Added, Service("192.168.96.100"), "7"));
        store.Apply(new(WatchEventType.Modified, Service() with { ResourceVersion = "8" }, "8"));
        Assert.Equal(["a", "a"], changes);
        Assert.Null(store.Get(new ObjectKey("n", "a")));

        store.Apply(new(WatchEventType.Modified, Service("192.168.96.100") with { ResourceVersion = "9" }, "9"));
        Assert.Equal("9", store.Get(new ObjectKey("n", "a"))?.ResourceVersion);
    }

    private static AnnouncedService Service(params string[] addresses) => new()
    {
        Key = new ObjectKey("n", "a"), Uid = Uuid, ResourceVersion = "7", Addresses = IpAddress.ParseAll(addresses),
    };
}
