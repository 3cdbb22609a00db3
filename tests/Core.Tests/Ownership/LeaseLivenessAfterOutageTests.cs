using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>
/// When the API server is back, one speaker's renewal is the first. All others' are then as old as the outage was long, and that still
/// says nothing about them.
/// </summary>
public sealed class LeaseLivenessAfterOutageTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(40);
    private readonly LeaseLiveness leases = new("n1");
    private int version;

    [Theory]
    [InlineData(30)]
    [InlineData(60)]
    [InlineData(3600)]
    public void OwnRenewalFirstAfterAnOutage_OthersAreStillFresh(int seconds)
    {
        RenewBoth(0, 100);
        Renew("n1", 110 + seconds);
        Assert.True(leases.IsFresh("n2"));
        Renew("n1", 120 + seconds);
        Assert.True(leases.IsFresh("n2"));
        Renew("n2", 125 + seconds);
        Renew("n1", 130 + seconds);
        Assert.True(leases.IsFresh("n2"));
    }

    [Fact]
    public void NodeThatDiedDuringTheOutage_IsFoundAfterItsDuration()
    {
        RenewBoth(0, 100);
        for (var at = 200; at <= 250; at += 10)
        {
            Renew("n1", at);
        }

        Assert.False(leases.IsFresh("n2"));
    }

    // Every renewal of our own takes long: that must not keep a dead peer alive for ever.
    [Fact]
    public void OwnRenewalsAlwaysLate_DeadPeerIsFoundAllTheSame()
    {
        RenewBoth(0, 100);
        for (var at = 130; at <= 100 + (30 * 6); at += 30)
        {
            Renew("n1", at);
        }

        Assert.False(leases.IsFresh("n2"));
    }

    private void RenewBoth(int from, int to)
    {
        for (var at = from; at <= to; at += 10)
        {
            Renew("n1", at);
            Renew("n2", at);
        }
    }

    private void Renew(string node, int second) =>
        leases.Observe(node, $"{++version}", Duration, TimeSpan.FromSeconds(second));
}
