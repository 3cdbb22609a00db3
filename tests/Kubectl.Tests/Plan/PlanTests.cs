using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubectl.Plan;

namespace LoadBalancer.Kubectl.Tests.Plan;

/// <summary>What a plan says of each Service. That it is what happens is tested where the controller is (<c>RehearsalTests</c>).</summary>
public sealed class PlanTests
{
    [Fact]
    public void SameConfiguration_KeepsEverybody()
    {
        var report = Of("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9", ("a", "10.0.0.3"));

        Assert.True(report.Well);
        Assert.Equal(("default/a", nameof(Effect.Keeps)), (report.Services[0].Service, report.Services[0].Effect));
    }

    [Fact]
    public void PoolThatShrinks_MovesWhoIsOutside_AndSaysFromWhatToWhatAndWhy()
    {
        var report = Of("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.4", ("a", "10.0.0.1"), ("b", "10.0.0.7"));

        Assert.False(report.Well);
        var moved = report.Services.Single(service => service.Service == "default/b");
        Assert.Equal((nameof(Effect.Moves), "10.0.0.7", "10.0.0.2"), (moved.Effect, Assert.Single(moved.Before), Assert.Single(moved.After)));
        Assert.EndsWith("[AddressOutsidePools]", moved.Why, StringComparison.Ordinal);
        Assert.Equal(nameof(Effect.Keeps), report.Services.Single(service => service.Service == "default/a").Effect);
    }

    [Fact]
    public void PoolTooSmall_LosesTheYoungest_AndWaitingOnesWait()
    {
        var report = Of("10.0.0.1-10.0.0.3", "10.0.1.1-10.0.1.2", ("a", "10.0.0.1"), ("b", "10.0.0.2"), ("c", "10.0.0.3"), ("d", ""));

        Assert.Equal([nameof(Effect.Moves), nameof(Effect.Moves), nameof(Effect.Loses), nameof(Effect.Waits)], report.Services.Select(service => service.Effect));
        Assert.EndsWith("[NoFreeAddress]", report.Services[3].Why, StringComparison.Ordinal);
    }

    [Fact]
    public void LargerPool_GivesToWhoWaited()
    {
        var report = Of("10.0.0.1-10.0.0.1", "10.0.0.1-10.0.0.9", ("a", "10.0.0.1"), ("b", ""));

        Assert.True(report.Well);
        Assert.Equal((nameof(Effect.Gets), "10.0.0.2"), (report.Services[1].Effect, Assert.Single(report.Services[1].After)));
    }

    [Fact]
    public void AddressOfANode_IsGivenToNobody()
    {
        var report = Of("10.0.0.1-10.0.0.9", "10.0.1.1-10.0.1.2", [new Exclusion(IpAddress.Parse("10.0.1.1"), ExclusionKind.NodeAddress, "node n1")], ("a", "10.0.0.1"));

        Assert.Equal("10.0.1.2", Assert.Single(report.Services[0].After));
    }

    [Fact]
    public void Text_TellsWhatChangesAndCountsTheRest()
    {
        var text = PlanText.Of(Of("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.4", ("a", "10.0.0.1"), ("b", "10.0.0.7")), isColoured: false);

        Assert.DoesNotContain("default/a", text, StringComparison.Ordinal);
        Assert.Contains("default/b   Moves   10.0.0.7   10.0.0.2", text, StringComparison.Ordinal);
        Assert.EndsWith("1 keep what they have, 1 move\n", text, StringComparison.Ordinal);
    }

    private static PlanReport Of(string current, string next, params (string Name, string Address)[] services) => Of(current, next, [], services);

    private static PlanReport Of(string current, string next, IReadOnlyList<Exclusion> exclusions, params (string Name, string Address)[] services) =>
        PlanReport.Of(Pools(current), Pools(next), exclusions, services.Select(static (service, index) => new ServiceFacts
        {
            Id = new ServiceId("default", service.Name),
            Created = DateTimeOffset.UnixEpoch.AddSeconds(index),
            Status = service.Address.Length == 0 ? [] : [new StatusEntry(service.Address)],
        }));

    private static PoolConfig Pools(string range) => new([new Pool { Name = "p", Ranges = [new IpRange(IpAddress.Parse(range.Split('-')[0]), IpAddress.Parse(range.Split('-')[1]))] }]);
}
