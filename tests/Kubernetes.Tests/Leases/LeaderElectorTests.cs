using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Tests.Support;

namespace LoadBalancer.Kubernetes.Tests.Leases;

public sealed class LeaderElectorTests
{
    private readonly TestClock clock = new();
    private readonly FakeLeaseStore store = new();

    [Fact]
    public async Task Start_NoLease_CreatesItAndLeads()
    {
        await using var one = new Candidate("one", store, clock).Run();
        await one.LeadsAsync();
        Assert.Equal(("one", 15, 0), (store.Lease!.HolderIdentity, store.Lease.LeaseDurationSeconds, store.Lease.LeaseTransitions));
        Assert.Equal(clock.GetUtcNow(), store.Lease.RenewTime);
        Assert.Equal(1, one.Elector.Window.Term);
        Assert.Equal("one", one.Elector.Leader);
        await Eventually.TrueAsync(() => one.Happened.Contains("work begins"), "the work has begun");
        Assert.Equal("started leader=True", one.Happened.First());
    }

    [Fact]
    public async Task Leader_Renews_EveryTwoSeconds()
    {
        await using var one = new Candidate("one", store, clock).Run();
        await one.LeadsAsync();
        for (var i = 2; i < 12; i++)
        {
            await clock.PassAsync(2);
            await Eventually.EqualAsync(i, () => store.Writes, "the number of writes");
        }

        Assert.True(one.IsLeader);
        Assert.Equal(1, one.Elector.Window.Term);
    }

    [Fact]
    public async Task Leader_ServerAway_LeadsUntilTenSecondsAfterTheLastRenewalAndNoLonger()
    {
        await using var one = new Candidate("one", store, clock).Run();
        await one.LeadsAsync();
        var window = one.Elector.Window.EndsAt;
        await clock.PassAsync(2);
        await Eventually.TrueAsync(() => one.Elector.Window.EndsAt > window, "the answer to the renewal was read");
        await Eventually.TrueAsync(() => one.Happened.Contains("work begins"), "the work has begun");
        store.Down = true;
        clock.Advance(TimeSpan.FromSeconds(9.999));
        Assert.True(one.IsLeader);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(one.IsLeader);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        await Eventually.TrueAsync(() => one.Happened.Any(line => line.StartsWith("work ends", StringComparison.Ordinal)), "the work was told");
        Assert.Equal(["started leader=True", "work begins", "stopped leader=False", "work ends leader=False"], one.Happened);
    }

    [Fact]
    public async Task Leader_RenewalFails_TriesEverySecondWithinTheWindow()
    {
        await using var one = new Candidate("one", store, clock).Run();
        await one.LeadsAsync();
        store.Down = true;
        var calls = store.Calls;
        await clock.PassAsync(2);
        for (var i = 1; i <= 4; i++)
        {
            await Eventually.EqualAsync(calls + i, () => store.Calls, "the number of calls");
            await clock.PassAsync(1);
        }

        await Eventually.EqualAsync(calls + 5, () => store.Calls, "the number of calls");
        store.Down = false;
        await clock.PassAsync(1);
        await Eventually.EqualAsync(2, () => store.Writes, "the number of writes");
        Assert.True(one.IsLeader);
        Assert.Equal(1, one.Elector.Window.Term);
    }

    [Fact]
    public async Task Follower_LeaderSilent_TakesOverExactlyAfterTheDuration()
    {
        store.Put(new LeaseResource { Key = Candidate.Key, HolderIdentity = "gone", LeaseDurationSeconds = 15, LeaseTransitions = 4 });
        await using var two = new Candidate("two", store, clock).Run();
        await PollAsync(14, () => Assert.False(two.IsLeader));
        Assert.Equal("gone", two.Elector.Leader);
        await PollAsync(1, () => { });
        await two.LeadsAsync();
        Assert.Equal(("two", 5), (store.Lease!.HolderIdentity, store.Lease.LeaseTransitions));
    }

    [Fact]
    public async Task Follower_LeaderRenews_NeverTakesOverWhateverTheHoldersClockSays()
    {
        // The holder's wall clock is a year behind: by its renewTime the Lease would be long over.
        store.Put(new LeaseResource { Key = Candidate.Key, HolderIdentity = "other", LeaseDurationSeconds = 15, RenewTime = clock.GetUtcNow().AddYears(-1) });
        await using var two = new Candidate("two", store, clock).Run();
        for (var i = 0; i < 5; i++)
        {
            await PollAsync(12, () => Assert.False(two.IsLeader));
            store.Force(lease => lease with { RenewTime = lease.RenewTime!.Value.AddSeconds(8) });
        }

        Assert.Equal("other", store.Lease!.HolderIdentity);
    }

    [Fact]
    public async Task Follower_HoldersClockAhead_TakesOverAllTheSame()
    {
        store.Put(new LeaseResource { Key = Candidate.Key, HolderIdentity = "other", LeaseDurationSeconds = 15, RenewTime = clock.GetUtcNow().AddYears(1) });
        await using var two = new Candidate("two", store, clock).Run();
        await PollAsync(15, () => { });
        await two.LeadsAsync();
    }

    [Fact]
    public async Task Follower_HolderClaimsALongerDuration_WaitsForThat()
    {
        store.Put(new LeaseResource { Key = Candidate.Key, HolderIdentity = "other", LeaseDurationSeconds = 30 });
        await using var two = new Candidate("two", store, clock).Run();
        await PollAsync(29, () => Assert.False(two.IsLeader));
        await PollAsync(1, () => { });
        await two.LeadsAsync();
    }

    [Fact]
    public async Task Follower_ExpiryBetweenTwoLooks_IsMetExactly()
    {
        store.Put(new LeaseResource { Key = Candidate.Key, HolderIdentity = "gone", LeaseDurationSeconds = 15 });
        await using var two = new Candidate("two", store, clock, options => options with { PollPeriod = TimeSpan.FromSeconds(6) }).Run();
        for (var i = 0; i < 2; i++)
        {
            await clock.PassAsync(6);
        }

        Assert.False(two.IsLeader);
        await clock.PassAsync(3);
        await two.LeadsAsync();
    }

    [Fact]
    public async Task Shutdown_WorkEndsFirst_ThenTheLeaseIsReleased_ThenAnotherTakesOverWithinTheSecond()
    {
        await using var one = new Candidate("one", store, clock);
        var holderAtWorkEnd = "";
        one.OnWorkStopping = () =>
        {
            holderAtWorkEnd = store.Lease!.HolderIdentity;
            return Task.CompletedTask;
        };
        one.Run();
        await one.LeadsAsync();
        await Eventually.TrueAsync(() => one.Happened.Contains("work begins"), "the work has begun");
        await using var two = new Candidate("two", store, clock).Run();
        await Eventually.EqualAsync("one", () => two.Elector.Leader, "the leader as two sees it");
        await one.StopAsync();
        Assert.Equal(["started leader=True", "work begins", "work ends leader=True", "stopped leader=False"], one.Happened);
        Assert.Equal("one", holderAtWorkEnd);
        Assert.Equal(("", 1), (store.Lease!.HolderIdentity, store.Lease.LeaseDurationSeconds));
        await clock.PassAsync(1);
        await two.LeadsAsync();
        Assert.Equal(15, store.Lease.LeaseDurationSeconds);
    }

    [Fact]
    public async Task Shutdown_WorkDoesNotStop_ItIsLeftBehindWhenTheWindowEnds()
    {
        var never = new TaskCompletionSource();
        await using var one = new Candidate("one", store, clock) { OnWorkStopping = () => never.Task }.Run();
        await one.LeadsAsync();
        await Eventually.TrueAsync(() => one.Happened.Contains("work begins"), "the work has begun");
        var stopping = one.StopAsync();
        await Eventually.TrueAsync(() => one.Happened.Contains("work ends leader=True"), "the work was told");
        clock.Advance(TimeSpan.FromSeconds(10.1));
        await Eventually.Within(stopping);
        Assert.Equal("", store.Lease!.HolderIdentity);
        never.SetResult();
    }

    [Fact]
    public async Task Shutdown_RenewalWhoseAnswerWasLost_IsReleasedAllTheSame()
    {
        var loseAnswers = false;
        var lossy = new SlowLeaseStore(store, clock, () => (TimeSpan.Zero, loseAnswers ? TimeSpan.FromSeconds(3) : TimeSpan.Zero));
        await using var one = new Candidate("one", lossy, clock).Run();
        await one.LeadsAsync();
        loseAnswers = true;
        var writes = store.Writes;
        await clock.PassAsync(2);
        await Eventually.EqualAsync(writes + 1, () => store.Writes, "the number of writes");
        loseAnswers = false;
        await one.StopAsync();
        Assert.Equal("", store.Lease!.HolderIdentity);
    }

    [Fact]
    public async Task Leader_LeaseTakenByAnother_StopsAtTheNextRenewal()
    {
        await using var one = new Candidate("one", store, clock).Run();
        await one.LeadsAsync();
        store.Force(lease => lease with { HolderIdentity = "usurper" });
        await clock.PassAsync(2);
        await Eventually.TrueAsync(() => !one.IsLeader, "one no longer leads");
        Assert.Equal("usurper", store.Lease!.HolderIdentity);
        await Eventually.TrueAsync(() => one.Happened.Contains("stopped leader=False"), "one was told");
    }

    [Fact]
    public async Task Leader_LeaseLabelledBySomeone_GoesOn()
    {
        await using var one = new Candidate("one", store, clock).Run();
        await one.LeadsAsync();
        store.Force(lease => lease with { Labels = new Dictionary<string, string> { ["a"] = "b" } });
        await clock.PassAsync(2);
        await Eventually.EqualAsync(2, () => store.Writes, "the number of writes");
        Assert.True(one.IsLeader);
        Assert.Equal(1, one.Elector.Window.Term);
        Assert.Equal("b", store.Lease!.Labels["a"]);
    }

    [Fact]
    public async Task Leader_LosesAndWinsAgain_IsAnotherTerm()
    {
        await using var one = new Candidate("one", store, clock).Run();
        await one.LeadsAsync();
        store.Down = true;
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.False(one.IsLeader);
        await Eventually.TrueAsync(() => one.Happened.Contains("work ends leader=False"), "the work has ended");
        store.Down = false;
        await Eventually.TrueAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(100));
                return one.IsLeader;
            },
            "one leads again");
        Assert.Equal(2, one.Elector.Window.Term);
        Assert.Equal(0, store.Lease!.LeaseTransitions);
    }

    [Fact]
    public async Task PausedLeader_Wakes_FindsItsWindowOver()
    {
        // Nothing of the process runs: its timers do not fire, while time goes on.
        var frozen = new FrozenTimers(clock);
        await using var one = new Candidate("one", store, frozen).Run();
        await one.LeadsAsync();
        await Eventually.TrueAsync(() => one.Happened.Contains("work begins"), "the work has begun");
        frozen.Frozen = true;
        await using var two = new Candidate("two", store, clock).Run();
        await PollAsync(15, () => Assert.False(one.IsLeader && two.IsLeader));
        await two.LeadsAsync();

        // The instant it wakes, before any of its code has run.
        Assert.False(one.IsLeader);
        frozen.Frozen = false;
        await Eventually.TrueAsync(() => one.Happened.Contains("work ends leader=False"), "the work was told");
        Assert.False(one.IsLeader);
        Assert.True(two.IsLeader);
        Assert.Equal("two", store.Lease!.HolderIdentity);
    }

    [Fact]
    public async Task Work_Throws_ReleasesTheLeaseAndFails()
    {
        var elector = new LeaderElector(store, new(Candidate.Key, "one"), clock, () => 0, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => Eventually.Within(
            elector.RunAsync(_ => throw new InvalidOperationException("broken"), TestContext.Current.CancellationToken)));
        Assert.Equal("broken", thrown.Message);
        Assert.Equal("", store.Lease!.HolderIdentity);
        Assert.False(elector.IsLeader);
    }

    [Fact]
    public async Task Work_Returns_EndsTheCandidacy()
    {
        var elector = new LeaderElector(store, new(Candidate.Key, "one"), clock, () => 0, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        await Eventually.Within(elector.RunAsync(_ => Task.CompletedTask, TestContext.Current.CancellationToken));
        Assert.Equal("", store.Lease!.HolderIdentity);
    }

    [Theory]
    [InlineData(10, 10, 2)]
    [InlineData(15, 2, 2)]
    [InlineData(14.5, 10, 2)]
    public void Options_ThatContradictEachOther_AreRefused(double duration, double renew, double retry) =>
        Assert.Throws<ArgumentException>(() => new Candidate("x", store, clock, options => options with
        {
            Duration = TimeSpan.FromSeconds(duration),
            RenewDeadline = TimeSpan.FromSeconds(renew),
            RetryPeriod = TimeSpan.FromSeconds(retry),
        }));

    [Fact]
    public void Identity_TwoLives_Differ()
    {
        Assert.NotEqual(LeaderElectionOptions.NewIdentity("host"), LeaderElectionOptions.NewIdentity("host"));
        Assert.StartsWith("host_", LeaderElectionOptions.NewIdentity("host"), StringComparison.Ordinal);
    }

    [Fact]
    public void BootTime_Advances()
    {
        var before = BootTime.Clock.GetTimestamp();
        Assert.Equal(1_000_000_000, BootTime.Clock.TimestampFrequency);
        Assert.True(SpinWait.SpinUntil(() => BootTime.Clock.GetTimestamp() > before, 1000));
    }

    // A follower looks every second with the jitter the tests give it.
    private async Task PollAsync(int times, Action check)
    {
        for (var i = 0; i < times; i++)
        {
            await clock.PassAsync(1);
            check();
        }
    }
}
