using LoadBalancer.Controller.Assigning;
using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.Assigning;

/// <summary>The loop with its threads: what comes before the first address, many writes at once, and the end of leadership.</summary>
[Collection(Replica.Metrics)]
public sealed class AssignmentLoopTests
{
    private static readonly string TwoAddresses = Replica.OnePool("10.0.0.1-10.0.0.2");

    [Fact]
    public async Task Leader_GivesAddresses_AsServicesComeAndGo()
    {
        var cluster = new FakeCluster().Synced();
        await using var replica = new Replica(cluster).WithPools(TwoAddresses).Lead();
        cluster.Create(1);
        cluster.Create(2);
        cluster.Create(3);
        await Eventually.True(() => cluster.AddressOf("s1") == "10.0.0.1" && cluster.AddressOf("s2") == "10.0.0.2");
        cluster.Delete("s1");
        await Eventually.True(() => cluster.AddressOf("s3") == "10.0.0.1");
    }

    [Fact]
    public async Task Leader_BeforeEverythingIsKnown_GivesNothing()
    {
        var cluster = new FakeCluster();
        cluster.Create(1);
        await using var replica = new Replica(cluster);
        var listed = new TaskCompletionSource();
        replica.Refresh = () => listed.Task;
        replica.Lead();
        replica.WithPools(TwoAddresses);
        cluster.Synced();
        cluster.Create(2);
        Assert.Empty(cluster.Writes);
        listed.SetResult();
        await Eventually.True(() => cluster.AddressOf("s2").Length > 0);
        Assert.Equal("10.0.0.1", cluster.AddressOf("s1"));
    }

    [Fact]
    public async Task NewLeader_WhoseWatchLags_AdoptsWhatTheFormerOneWrote()
    {
        var cluster = new FakeCluster();
        cluster.Create(1);
        cluster.Create(2);
        cluster.Synced();
        cluster.WatchIsHeld = true;
        cluster.Land(cluster.Get("s2"), [Core.Addressing.IpAddress.Parse("10.0.0.1")]);
        await using var replica = new Replica(cluster).WithPools(TwoAddresses);
        replica.Refresh = cluster.Relist;
        replica.Lead();
        await Eventually.True(() => cluster.AddressOf("s1") == "10.0.0.2");
        Assert.Equal("10.0.0.1", cluster.AddressOf("s2"));
    }

    [Fact]
    public async Task Refresh_ThatFails_IsTriedAgain()
    {
        var cluster = new FakeCluster().Synced();
        cluster.Create(1);
        await using var replica = new Replica(cluster).WithPools(TwoAddresses);
        var calls = 0;
        replica.Refresh = () => ++calls < 3 ? Task.FromException(new HttpRequestException("down")) : Task.CompletedTask;
        replica.Lead();
        await Eventually.True(() => cluster.AddressOf("s1").Length > 0, () => replica.Time.Advance(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task Window_Over_NothingIsSentUntilItIsRenewed()
    {
        var cluster = new FakeCluster().Synced();
        await using var replica = new Replica(cluster).WithPools(TwoAddresses).Lead();
        cluster.Create(1);
        await Eventually.True(() => cluster.AddressOf("s1").Length > 0);
        replica.Window = TimeSpan.Zero;
        var before = cluster.Writes.Count;
        cluster.Create(2);
        for (var i = 0; i < 20; i++)
        {
            replica.Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        Assert.Equal(before, cluster.Writes.Count);
        replica.Window = TimeSpan.FromSeconds(10);
        await Eventually.True(() => cluster.AddressOf("s2").Length > 0, () => replica.Time.Advance(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task PausedLeader_WhoseWriteArrivesLate_MeetsTheGuardOfTheVersion()
    {
        var cluster = new FakeCluster();
        cluster.Create(1);
        cluster.Create(2);
        cluster.Synced();
        var paused = new TaskCompletionSource();
        cluster.BeforeWrite = call => call.Service.Key.Name == "s1" ? paused.Task : Task.CompletedTask;
        await using var former = new Replica(cluster).WithPools(Replica.OnePool("10.0.0.1-10.0.0.1")).Lead();
        await Eventually.True(() => cluster.Writes.Count > 0);

        // It sleeps; another takes over, deletes nothing, and finds s1 first in line as well.
        former.Window = TimeSpan.Zero;
        former.Stop();
        cluster.BeforeWrite = null;
        await using var latter = new Replica(cluster).WithPools(Replica.OnePool("10.0.0.1-10.0.0.1"));
        latter.Refresh = cluster.Relist;
        latter.Lead();
        await Eventually.True(() => cluster.AddressOf("s1") == "10.0.0.1");
        cluster.Delete("s1");
        await Eventually.True(() => cluster.AddressOf("s2") == "10.0.0.1");
        cluster.Create(1);

        paused.SetResult();
        await Eventually.True(() => former.Leading.IsCompleted, () => former.Time.Advance(TimeSpan.FromSeconds(1)));
        Assert.Equal("", cluster.AddressOf("s1"));
        Assert.Empty(cluster.Duplicates());
    }

    [Fact]
    public async Task Write_UnderWay_MayTakeNoLongerThanTheWindow()
    {
        var cluster = new FakeCluster().Synced();
        await using var replica = new Replica(cluster).WithPools(TwoAddresses).Lead();
        var ended = false;
        cluster.BeforeWrite = async call =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, call.Cancelled)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ended = true;
            cluster.BeforeWrite = null;
            throw new HttpRequestException("cut off");
        };
        cluster.Create(1);
        await Eventually.True(() => cluster.Writes.Count == 1);
        replica.Time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(ended);
        replica.Time.Advance(TimeSpan.FromSeconds(0.2));
        await Eventually.True(() => ended);
        await Eventually.True(() => cluster.AddressOf("s1") == "10.0.0.1", () => replica.Time.Advance(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task Stop_LetsAWriteUnderWayEndAndTellsIt()
    {
        var cluster = new FakeCluster().Synced();
        await using var replica = new Replica(cluster).WithPools(TwoAddresses).Lead();
        var answered = new TaskCompletionSource();
        cluster.BeforeWrite = _ => answered.Task;
        cluster.Create(1);
        await Eventually.True(() => cluster.Writes.Count == 1);
        replica.Stop();
        cluster.Create(2);
        Assert.False(replica.Leading.IsCompleted);
        answered.SetResult();
        await Eventually.True(() => replica.Leading.IsCompleted);
        Assert.Equal(["10.0.0.1", ""], new[] { cluster.AddressOf("s1"), cluster.AddressOf("s2") });
        Assert.Equal(["IPAllocated"], replica.Events.ReasonsOf("s1"));
    }

    [Fact]
    public async Task Stop_WithAWriteThatNeverEnds_GivesItUpAndGrantsItTimeToLand()
    {
        var cluster = new FakeCluster().Synced();
        await using var replica = new Replica(cluster).WithPools(TwoAddresses).Lead();
        cluster.BeforeWrite = call => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, call.Cancelled);
        cluster.Create(1);
        await Eventually.True(() => cluster.Writes.Count == 1);
        replica.Stop();
        var passed = TimeSpan.Zero;
        await Eventually.True(() => replica.Leading.IsCompleted, () =>
        {
            replica.Time.Advance(TimeSpan.FromSeconds(0.5));
            passed += TimeSpan.FromSeconds(0.5);
        });
        Assert.True(passed >= TimeSpan.FromSeconds(7), $"The Lease could go to another after {passed}.");
    }

    [Fact]
    public async Task SecondTerm_OfTheSameProcess_StartsFromWhatIs()
    {
        var cluster = new FakeCluster().Synced();
        await using var replica = new Replica(cluster).WithPools(TwoAddresses).Lead();
        cluster.Create(1);
        await Eventually.True(() => cluster.AddressOf("s1").Length > 0);
        replica.Stop();
        await Eventually.True(() => replica.Leading.IsCompleted);
        cluster.Create(2, s => s with { Ingress = [new IngressPoint("10.0.0.2")] });
        cluster.Create(3);
        replica.Lead();
        cluster.Delete("s1");
        await Eventually.True(() => cluster.AddressOf("s3") == "10.0.0.1");
        Assert.Equal("10.0.0.2", cluster.AddressOf("s2"));
    }

    [Fact]
    public async Task FailingServer_IsTriedAgainUntilItWorks()
    {
        var cluster = new FakeCluster().Synced();
        await using var replica = new Replica(cluster).WithPools(TwoAddresses).Lead();
        var failures = 0;
        cluster.BeforeWrite = _ => ++failures <= 5 ? throw new HttpRequestException("503") : Task.CompletedTask;
        cluster.Create(1);
        await Eventually.True(() => cluster.AddressOf("s1") == "10.0.0.1", () => replica.Time.Advance(TimeSpan.FromMilliseconds(100)));
        Assert.Equal(6, failures);
    }

    [Fact]
    public async Task Thousand_AtOnce_AllGetDifferentAddressesAndTheServerIsNotFlooded()
    {
        var cluster = new FakeCluster().Synced();
        await using var replica = new Replica(cluster).WithPools(Replica.OnePool("10.0.0.0/16")).Lead();
        var (now, most) = (0, 0);
        cluster.BeforeWrite = async _ =>
        {
            var current = Interlocked.Increment(ref now);
            most = Math.Max(most, current);
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
            Interlocked.Decrement(ref now);
        };
        for (var i = 1; i <= 1000; i++)
        {
            cluster.Create(i);
        }

        await Eventually.True(() => Enumerable.Range(1, 1000).All(i => cluster.AddressOf($"s{i}").Length > 0));
        Assert.Empty(cluster.Duplicates());
        Assert.InRange(most, 2, StatusWrites.Concurrency);
        Assert.Equal(1000, cluster.Writes.Count);
    }

    [Fact]
    public async Task Configuration_Bad_ChangesNothing_Good_TakesEffect()
    {
        var cluster = new FakeCluster().Synced();
        await using var replica = new Replica(cluster).WithPools(TwoAddresses).Lead();
        cluster.Create(1);
        await Eventually.True(() => cluster.AddressOf("s1") == "10.0.0.1");
        replica.WithPools("address-pools: [{name: x}]");
        cluster.Create(2);
        await Eventually.True(() => cluster.AddressOf("s2") == "10.0.0.2");
        replica.WithPools(null);
        cluster.Delete("s2");
        cluster.Create(3);
        await Eventually.True(() => cluster.AddressOf("s3") == "10.0.0.2");
        Assert.Equal("10.0.0.1", cluster.AddressOf("s1"));

        replica.WithPools(Replica.OnePool("10.9.0.0/24"));
        await Eventually.True(() => cluster.AddressOf("s1") == "10.9.0.0" && cluster.AddressOf("s3") == "10.9.0.1");
    }

    [Fact]
    public async Task Metrics_OfPoolsThatAreGoneAndOfAFormerLeader_Disappear()
    {
        var cluster = new FakeCluster().Synced();
        await using var replica = new Replica(cluster).WithPools(Pool("metrics-one", "10.0.0.0/24")).Lead();
        cluster.Create(1);
        cluster.Create(2, s => s with { LoadBalancerIP = "192.0.2.1" });
        await EventuallyShown("loadbalancer_pool_addresses_in_use{pool=\"metrics-one\"} 1");
        await EventuallyShown("loadbalancer_pool_addresses{pool=\"metrics-one\"} 256");
        await EventuallyShown("loadbalancer_services_waiting{reason=\"AddressOutsidePools\"} 1");
        await EventuallyShown("loadbalancer_leader 1");

        replica.WithPools(Pool("metrics-two", "10.0.0.0/24"));
        await EventuallyShown("loadbalancer_pool_addresses_in_use{pool=\"metrics-two\"} 1");
        Assert.DoesNotContain("metrics-one", await ShownAsync(), StringComparison.Ordinal);

        replica.Stop();
        await EventuallyShown("loadbalancer_leader 0");
        var shown = await ShownAsync();
        Assert.DoesNotContain("metrics-two", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("loadbalancer_services_waiting{", shown, StringComparison.Ordinal);
    }

    private static string Pool(string name, string range) =>
        Replica.OnePool(range).Replace("name: default", $"name: {name}", StringComparison.Ordinal);

    private static Task EventuallyShown(string line) => Eventually.True(() => ShownAsync().Result.Contains(line, StringComparison.Ordinal));

    private static async Task<string> ShownAsync()
    {
        using var text = new MemoryStream();
        await Prometheus.Metrics.DefaultRegistry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    [Fact]
    public async Task Namespace_Relabelled_ItsServicesAreLookedAtAgain()
    {
        var cluster = new FakeCluster().Synced();
        const string Pools = """
            address-pools:
            - name: team
              protocol: layer2
              addresses: [10.1.0.0/24]
              namespace-selectors: [{match-labels: {team: web}}]
            """;
        await using var replica = new Replica(cluster).WithPools(Pools).Lead();
        cluster.Create(1);
        await Eventually.True(() => replica.Events.ReasonsOf("s1").Contains("AllocationFailed"));
        cluster.Namespaces.Replace([new NamespaceResource
        {
            Key = new ObjectKey("", "default"),
            ResourceVersion = "1",
            Labels = new Dictionary<string, string> { ["team"] = "web" },
        }]);
        await Eventually.True(() => cluster.AddressOf("s1") == "10.1.0.0");
    }
}
