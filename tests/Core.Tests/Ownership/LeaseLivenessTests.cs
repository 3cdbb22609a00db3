using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Core.Tests.Ownership;

public sealed class LeaseLivenessTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(40);
    private readonly LeaseLiveness leases = new("n1");

    [Fact]
    public void IsFresh_SeenOnce_IsNot()
    {
        Observe("n2", "1", 0);
        Assert.False(leases.IsFresh("n2"));
    }

    [Fact]
    public void IsFresh_SeenToChange_IsUntilOurOwnLeaseHasChangedForItsDuration()
    {
        Observe("n1", "1", 0);
        Observe("n2", "1", 0);
        Observe("n1", "2", 10);
        Observe("n2", "2", 10);
        for (var second = 20; second <= 50; second += 10)
        {
            Observe("n1", $"at {second}", second);
            Assert.True(leases.IsFresh("n2"));
        }

        Observe("n1", "at 51", 51);
        Assert.False(leases.IsFresh("n2"));
    }

    // Without the API server no Lease changes, which says nothing about the nodes.
    [Fact]
    public void IsFresh_ApiServerDown_StaysAsItWas()
    {
        Observe("n1", "1", 0);
        Observe("n2", "1", 0);
        Observe("n1", "2", 10);
        Observe("n2", "2", 10);
        Observe("n2", "2", 5000);
        Assert.True(leases.IsFresh("n2"));
    }

    [Fact]
    public void IsFresh_Released_IsNot()
    {
        Observe("n2", "1", 0);
        Observe("n2", "2", 10);
        leases.Remove("n2");
        Assert.False(leases.IsFresh("n2"));
    }

    private void Observe(string node, string version, int second) => leases.Observe(node, version, Duration, TimeSpan.FromSeconds(second));
}
