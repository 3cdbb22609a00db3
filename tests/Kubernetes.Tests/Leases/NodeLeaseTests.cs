using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoadBalancer.Kubernetes.Tests.Leases;

public sealed class NodeLeaseTests
{
    private static readonly ObjectKey Key = new("system", "n1");
    private static readonly ObjectOwner Node = new("v1", "Node", "n1", "uid");

    private readonly TestClock clock = new();
    private readonly FakeLeaseStore store = new();

    [Fact]
    public async Task Run_RenewsEveryTenSecondsAndReleasesAtTheEnd()
    {
        var lease = new NodeLease(store, Key, clock, () => 0, NullLogger.Instance);
        lease.Say(new Dictionary<string, string> { ["prefixes"] = "192.168.96.0/20" }, Node);
        using var stop = new CancellationTokenSource();
        var run = lease.RunAsync(stop.Token);
        await Eventually.EqualAsync(1, () => store.Writes, "the number of writes");
        var written = store.Lease!;
        Assert.Equal(("n1", 40), (written.HolderIdentity, written.LeaseDurationSeconds));
        Assert.Equal("192.168.96.0/20", written.Annotations["prefixes"]);
        Assert.Equal(Node, written.Owner);
        Assert.Equal("app.kubernetes.io/component=speaker,app.kubernetes.io/name=loadbalancer", NodeLease.LabelSelector);
        Assert.Equal("speaker", written.Labels["app.kubernetes.io/component"]);
        await clock.PassAsync(10);
        await Eventually.EqualAsync(2, () => store.Writes, "the number of writes");
        Assert.Equal(written.AcquireTime, store.Lease!.AcquireTime);
        Assert.Equal(clock.GetUtcNow(), store.Lease.RenewTime);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.Within(run));
        Assert.Equal("", store.Lease.HolderIdentity);
        Assert.Equal("192.168.96.0/20", store.Lease.Annotations["prefixes"]);
    }

    [Fact]
    public async Task Say_SomethingElse_IsWrittenAtOnceAndTheSameIsNot()
    {
        var lease = new NodeLease(store, Key, clock, () => 0, NullLogger.Instance);
        using var stop = new CancellationTokenSource();
        var run = lease.RunAsync(stop.Token);
        await Eventually.EqualAsync(1, () => store.Writes, "the number of writes");
        lease.Say(new Dictionary<string, string> { ["prefixes"] = "10.0.0.0/8" }, null);
        await Eventually.EqualAsync(2, () => store.Writes, "the number of writes");
        lease.Say(new Dictionary<string, string> { ["prefixes"] = "10.0.0.0/8" }, null);

        // The first wait was cut short by what was said.
        await clock.PassAsync(10, times: 2);
        await Eventually.EqualAsync(3, () => store.Writes, "the number of writes");
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.Within(run));
    }

    [Fact]
    public async Task Run_ServerAwayOrLeaseChangedOrDeleted_GoesOn()
    {
        var lease = new NodeLease(store, Key, clock, () => 0, NullLogger.Instance);
        store.Down = true;
        using var stop = new CancellationTokenSource();
        var run = lease.RunAsync(stop.Token);
        await Eventually.EqualAsync(1, () => store.Calls, "the number of calls");
        store.Down = false;
        await clock.PassAsync(0.1);
        await Eventually.EqualAsync(1, () => store.Writes, "the number of writes");
        store.Force(current => current with { LeaseTransitions = 9 });
        await clock.PassAsync(10);
        await Eventually.EqualAsync(2, () => store.Writes, "the number of writes");
        Assert.Equal(9, store.Lease!.LeaseTransitions);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.Within(run));
    }

    [Fact]
    public void Freshness_RenewedOrNot_FollowsWhatIsSeen()
    {
        var leases = new Store<LeaseResource>();
        using var freshness = Freshness(leases);
        Assert.False(freshness.IsFresh(Key));
        Renew(leases, 1);
        Assert.True(freshness.IsFresh(Key));
        Pass(39, leases);
        Assert.True(freshness.IsFresh(Key));
        Assert.Equal(TimeSpan.FromSeconds(39), freshness.Age(Key));
        Pass(1, leases);
        Assert.False(freshness.IsFresh(Key));
        Renew(leases, 2);
        Assert.True(freshness.IsFresh(Key));
    }

    [Fact]
    public void Freshness_ReleasedOrDeleted_IsOverAtOnce()
    {
        var leases = new Store<LeaseResource>();
        using var freshness = Freshness(leases);
        Renew(leases, 1);
        leases.Apply(new(WatchEventType.Modified, Lease(2) with { HolderIdentity = "" }, "2"));
        Assert.False(freshness.IsFresh(Key));
        Renew(leases, 3);
        Assert.True(freshness.IsFresh(Key));
        leases.Apply(new(WatchEventType.Deleted, Lease(4), "4"));
        Assert.False(freshness.IsFresh(Key));
        Assert.Null(freshness.Age(Key));
    }

    [Fact]
    public void Freshness_OnlyALabelChanges_IsNoSignOfLife()
    {
        var leases = new Store<LeaseResource>();
        using var freshness = Freshness(leases);
        Renew(leases, 1);
        Pass(39, leases);
        leases.Apply(new(WatchEventType.Modified, Lease(1) with { ResourceVersion = "label", Labels = new Dictionary<string, string> { ["a"] = "b" } }, "2"));
        Pass(2, leases);
        Assert.False(freshness.IsFresh(Key));
    }

    [Fact]
    public void Freshness_ServerAwayForAnHour_AgesNothingAndGivesTheFullDurationAfterwards()
    {
        var leases = new Store<LeaseResource>();
        using var freshness = Freshness(leases);
        Renew(leases, 1);
        clock.Advance(TimeSpan.FromHours(1));
        Assert.True(freshness.IsFresh(Key));
        Touch();
        Assert.True(freshness.IsFresh(Key));
        Assert.Equal(TimeSpan.Zero, freshness.Age(Key));
        Pass(39, leases);
        Assert.True(freshness.IsFresh(Key));
        Pass(2, leases);
        Assert.False(freshness.IsFresh(Key));
    }

    private long? contact;

    private LeaseFreshness Freshness(Store<LeaseResource> leases) => new(leases, () => contact, clock);

    private void Touch() => contact = clock.GetTimestamp();

    // Time in which the API server is heard every second, if only of someone else's Lease.
    private void Pass(int seconds, Store<LeaseResource> leases)
    {
        for (var i = 0; i < seconds; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            Touch();
            var other = new LeaseResource { Key = new("system", "other"), ResourceVersion = clock.GetTimestamp().ToString(System.Globalization.CultureInfo.InvariantCulture) };
            leases.Apply(new(WatchEventType.Modified, other, "1"));
        }
    }

    private void Renew(Store<LeaseResource> leases, int number)
    {
        Touch();
        leases.Apply(new(WatchEventType.Modified, Lease(number), "1"));
    }

    private static LeaseResource Lease(int number) => new()
    {
        Key = Key,
        ResourceVersion = number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        HolderIdentity = "n1",
        LeaseDurationSeconds = 40,
        RenewTime = DateTimeOffset.UnixEpoch.AddSeconds(number),
    };
}
