using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.Cluster.Tests.Outages;

public sealed class ControllerLossTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    /// <summary>The lease's duration and what a poll and a write after it take.</summary>
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(15 + 3);

    private const string TwoAddresses =
        """
        address-pools:
        - name: two
          protocol: layer2
          addresses: [192.168.96.180-192.168.96.181]
        """;

    [Fact]
    public async Task ControllersKilledFiveTimes_FourServicesOnTwoAddresses_TheSameTwoKeepThem()
    {
        await ChangeConfigAsync(TwoAddresses);
        string[] names = [.. Enumerable.Range(0, 4).Select(_ => NewName())];
        foreach (string name in names)
        {
            await CreateServiceAsync(name);
        }

        await Eventually.TrueAsync(() => names.Count(name => Cluster.Addresses(name).Count > 0) == 2, Soon, "two Services with an address", () => Cluster.Programs.Tails());
        await Eventually.TrueAsync(() => names.SelectMany(name => Cluster.Addresses(name)).All(address => address is "192.168.96.180" or "192.168.96.181"), Soon, "addresses of this pool");
        Dictionary<string, string> before = Assignments(names);

        for (int round = 0; round < 5; round++)
        {
            await Task.WhenAll(ControllerNodes.Select(node => Cluster.Programs.Controller(node).KillAsync()));
            await Cluster.Programs.StartAllAsync();
            if (round is 0 or 4)
            {
                await WaitForNewLeaderAsync();
            }

            Assert.Equal(before, Assignments(names));
        }

        // One that waits is served when an address becomes free: the controller is at work, and had the chance to err.
        string holder = names.First(name => Cluster.Addresses(name).Count > 0);
        string freed = Cluster.Addresses(holder)[0];
        await Cluster.Api.DeleteAsync(ServicePath(holder));
        string[] waiting = [.. names.Where(name => !before.ContainsKey(name))];

        // Who of them was there first, the API server may not know: it counts in seconds.
        await Eventually.TrueAsync(
            () => waiting.Count(name => Cluster.Addresses(name) is [var address] && address == freed) == 1,
            TimeSpan.FromSeconds(30), $"{freed} for one of {string.Join(", ", waiting)}", () => Cluster.Programs.Tails());
        before.Remove(holder);
        Assert.All(before, kept => Assert.Equal([kept.Value], Cluster.Addresses(kept.Key)));
    }

    [Fact]
    public async Task LeaderKilled_TheOtherGoesOn_WithinTheLeaseTime()
    {
        Node leader = await WaitForLeaderAsync();
        await Cluster.Programs.Controller(leader).KillAsync();
        TimeSpan took = await FirstAddressAsync(LeaseTime);
        Figure($"leader killed: a new Service has its address after {took.TotalSeconds:0.0} s");
        Assert.InRange(took, TimeSpan.Zero, LeaseTime);
    }

    [Fact]
    public async Task LeaderStopped_TheOtherGoesOn_AtOnce()
    {
        Node leader = await WaitForLeaderAsync();
        await Cluster.Programs.Controller(leader).StopAsync();
        TimeSpan took = await FirstAddressAsync(LeaseTime);
        Figure($"leader stopped: a new Service has its address after {took.TotalSeconds:0.0} s");
        Assert.Equal(0, Cluster.Programs.Controller(leader).ExitCode);
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(2.5));
    }

    [Fact]
    public async Task LeaderPausedPastItsLease_WakesUp_NothingIsGivenTwice()
    {
        string[] first = await CreateManyAsync(5);
        await Eventually.TrueAsync(() => Array.TrueForAll(first, name => Cluster.Addresses(name).Count == 1), Soon, "addresses");
        Node old = await WaitForLeaderAsync();
        Cluster.Programs.Controller(old).Pause();
        try
        {
            // Half of these it has seen announced on its watch before anybody else could lead.
            string[] second = await CreateManyAsync(5);
            await Eventually.TrueAsync(() => Array.TrueForAll(second, name => Cluster.Addresses(name).Count == 1), LeaseTime, "addresses from the other", () => Cluster.Programs.Tails());
            Node now = await WaitForLeaderAsync();
            Assert.NotEqual(old, now);
            Dictionary<string, string> before = Assignments([.. first, .. second]);

            Cluster.Programs.Controller(old).Continue();
            string[] third = await CreateManyAsync(5);
            await Eventually.TrueAsync(() => Array.TrueForAll(third, name => Cluster.Addresses(name).Count == 1), Soon, "addresses", () => Cluster.Programs.Tails());
            await HoldsForAsync(TimeSpan.FromSeconds(3), () => Assignments([.. first, .. second]).SequenceEqual(before), "the addresses given stay");

            string[] all = [.. Assignments([.. first, .. second, .. third]).Values];
            Assert.Equal(15, all.Length);
            Assert.Equal(15, all.Distinct().Count());
            Assert.Equal(now, await LeaderAsync());
        }
        finally
        {
            Cluster.Programs.Controller(old).Continue();
        }
    }

    private async Task<string[]> CreateManyAsync(int count)
    {
        string[] names = [.. Enumerable.Range(0, count).Select(_ => NewName())];
        await Task.WhenAll(names.Select(name => CreateServiceAsync(name)));
        return names;
    }

    private async Task<TimeSpan> FirstAddressAsync(TimeSpan within)
    {
        string name = NewName();
        long start = TimeProvider.System.GetTimestamp();
        await CreateServiceAsync(name);
        await Cluster.WaitForAddressAsync(name, within: within + Soon);
        return TimeProvider.System.GetElapsedTime(start);
    }

    /// <summary>Waits until one of the controllers that run now leads: the Lease may still name one that was killed.</summary>
    private async Task WaitForNewLeaderAsync()
    {
        string name = NewName("late");
        await CreateServiceAsync(name, new() { ["loadBalancerIP"] = "192.168.96.250" });
        await Eventually.GetAsync(() => Cluster.LastEventAsync(name, "AllocationFailed"), LeaseTime + Soon, "an Event of the new leader", () => Cluster.Programs.Tails());
        await Cluster.Api.DeleteAsync(ServicePath(name));
    }

    private Dictionary<string, string> Assignments(string[] names) => names
        .Where(name => Cluster.Addresses(name).Count > 0)
        .ToDictionary(name => name, name => string.Join(",", Cluster.Addresses(name)));
}
