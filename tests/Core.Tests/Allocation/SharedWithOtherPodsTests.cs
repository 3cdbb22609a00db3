using CsCheck;
using LoadBalancer.Core.Allocation;

namespace LoadBalancer.Core.Tests.Allocation;

/// <summary>
/// Services that share an address although their pods are not the same, from a time when that was granted: they are told, and nothing is
/// taken from them. Nobody comes to it anew.
/// </summary>
public sealed class SharedWithOtherPodsTests
{
    private readonly Allocator allocator = Given.Allocator(Given.Pool("p", "10.0.0.1-10.0.0.9"));
    private readonly ServiceFacts one = Sharer("s1", "team-a", 80);
    private readonly ServiceFacts two = Sharer("s2", "team-b", 443);

    [Fact]
    public void Both_AreAdoptedAndKept_AndEachIsToldOfTheOther()
    {
        Adopt(one, two);
        foreach (var (service, other) in new[] { (one, two), (two, one) })
        {
            var keep = Assert.IsType<Decision.Keep>(allocator.Apply(service));
            Assert.Equal("10.0.0.5", keep.Addresses());
            Assert.Equal(AllocationReason.SharedWithOtherPods, keep.Unmet!.Reason);
            Assert.StartsWith(
                $"10.0.0.5 is shared with Service {other.Id} (externalTrafficPolicy: Local, namespace {other.Id.Namespace}, selector app=web), "
                + $"and this Service has externalTrafficPolicy: Local, namespace {service.Id.Namespace}, selector app=web: ",
                keep.Unmet.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Configuration_PutInForceAnew_TakesNothingFromThem()
    {
        Adopt(one, two);
        allocator.Configure(new([Given.Pool("q", "10.0.0.0/24")]));
        Assert.IsType<Decision.Keep>(allocator.Apply(one));
        Assert.IsType<Decision.Keep>(allocator.Apply(two));
    }

    [Fact]
    public void Third_IsNotLetOn_WhicheverOfThemItGoesWith()
    {
        Adopt(one, two);
        var refusal = allocator.Apply(Sharer("s3", "team-a", 8080).Asks("10.0.0.5") with { Status = [] }).Refusal!;
        Assert.Equal(AllocationReason.SharingBackendDiffers, refusal.Reason);
        Assert.Contains("Service team-b/s2 ", refusal.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Selector_Changed_IsJudgedAnew()
    {
        Adopt(one, two);
        var changed = two with { Sharing = two.Sharing with { Backend = Given.Pods("team-b", "app=other") } };
        var set = Assert.IsType<Decision.Set>(allocator.Apply(changed));
        Assert.Equal(AllocationReason.SharingBackendDiffers, set.Cause!.Reason);
        Assert.Null(Assert.IsType<Decision.Keep>(allocator.Apply(one)).Unmet);
    }

    [Fact]
    public void Port_TheSame_IsAnObstacleStill()
    {
        Planner.Adopt(one, allocator);
        Assert.Null(Planner.Adopt(Sharer("s2", "team-b", 80), allocator));
    }

    [Fact]
    public void Other_Gone_NothingIsSaidAnyMore()
    {
        Adopt(one, two);
        allocator.Release(two.Id);
        Assert.Null(allocator.Apply(one).Refusal);
    }

    /// <summary>Whatever they share with whom: the order in which they are met, and how often, makes no difference.</summary>
    [Fact]
    public void Adoption_InAnyOrderAndAgain_KeepsWhatIsShared() =>
        Gen.Select(Gen.Int[0, 3].Array[6], Gen.Shuffle(Enumerable.Range(0, 6).ToArray())).Sample((backends, order) =>
        {
            var services = backends.Select((backend, i) => backend == 0
                ? Sharer($"s{i}", "default", 80 + i) with { Sharing = Given.Shares("k", 80 + i) }
                : Sharer($"s{i}", $"team-{backend}", 80 + i)).ToArray();
            var restarted = Given.Allocator(Given.Pool("p", "10.0.0.1-10.0.0.9"));
            for (var round = 0; round < 2; round++)
            {
                foreach (var index in order)
                {
                    Assert.Equal("10.0.0.5", Planner.Adopt(services[index], restarted)!.Addresses.Single().ToString());
                }
            }

            var isApart = services.Select(service => service.Sharing.Backend).Distinct().Count() > 1;
            Assert.All(services, service =>
                Assert.Equal(isApart, Assert.IsType<Decision.Keep>(restarted.Apply(service)).Unmet is not null));
        });

    private static ServiceFacts Sharer(string name, string @namespace, int port) => Given.Service(name, "10.0.0.5") with
    {
        Id = new ServiceId(@namespace, name),
        Sharing = Given.Shares("k", port) with { Backend = Given.Pods(@namespace, "app=web") },
    };

    private void Adopt(params ServiceFacts[] services)
    {
        foreach (var service in services)
        {
            Assert.NotNull(Planner.Adopt(service, allocator));
        }
    }
}
