using System.Collections.Concurrent;
using LoadBalancer.Kubernetes.Queue;
using LoadBalancer.Kubernetes.Tests.Support;

namespace LoadBalancer.Kubernetes.Tests.Queue;

public sealed class WorkQueueTests : IDisposable
{
    private readonly TestClock clock = new();
    private readonly WorkQueue<string> queue;

    public WorkQueueTests() => queue = new WorkQueue<string>(clock, () => 0);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => queue.Dispose();

    [Fact]
    public async Task Add_TheSameKeyTwice_IsTakenOnce()
    {
        queue.Add("a");
        queue.Add("b");
        queue.Add("a");
        Assert.Equal(2, queue.Depth);
        Assert.Equal("a", await TakeAsync());
        Assert.Equal("b", await TakeAsync());
        Assert.Equal(0, queue.Depth);
    }

    [Fact]
    public async Task Add_WhileWorkedOn_IsTakenAgainOnlyAfterDone()
    {
        queue.Add("a");
        var key = await TakeAsync();
        queue.Add("a");
        queue.Add("a");
        var next = queue.TakeAsync(Cancelled).AsTask();
        Assert.False(next.IsCompleted);
        queue.Done(key);
        Assert.Equal((true, "a"), await Eventually.Within(next));
        queue.Done("a");
        Assert.Equal(0, queue.Depth);
    }

    [Fact]
    public async Task Take_Waiting_IsWokenByAdd()
    {
        var taken = queue.TakeAsync(Cancelled).AsTask();
        Assert.False(taken.IsCompleted);
        queue.Add("a");
        Assert.Equal((true, "a"), await Eventually.Within(taken));
    }

    [Fact]
    public async Task Take_Cancelled_Throws()
    {
        using var stop = new CancellationTokenSource();
        var taken = queue.TakeAsync(stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => taken);
        queue.Add("a");
        Assert.Equal("a", await TakeAsync());
    }

    [Fact]
    public async Task AddAfter_TheTime_IsTaken()
    {
        queue.AddAfter("a", TimeSpan.FromSeconds(2));
        clock.Advance(TimeSpan.FromSeconds(1.999));
        Assert.Equal(0, queue.Depth);
        Assert.Equal(1, queue.Delayed);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("a", await TakeAsync());
        Assert.Equal(0, queue.Delayed);
    }

    [Fact]
    public void AddAfter_SeveralTimes_TheShortestCountsAndOnlyOnce()
    {
        queue.AddAfter("a", TimeSpan.FromSeconds(5));
        queue.AddAfter("b", TimeSpan.FromSeconds(3));
        queue.AddAfter("a", TimeSpan.FromSeconds(1));
        queue.AddAfter("a", TimeSpan.FromSeconds(4));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, queue.Depth);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(2, queue.Depth);
        Assert.Equal(0, queue.Delayed);
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(2, queue.Depth);
    }

    [Fact]
    public void AddAfter_NoTime_IsAddedAtOnce()
    {
        queue.AddAfter("a", TimeSpan.Zero);
        Assert.Equal(1, queue.Depth);
    }

    [Fact]
    public void AddRateLimited_AgainAndAgain_WaitsLongerUntilForgotten()
    {
        double[] expected = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60, 60];
        Assert.Equal(expected, expected.Select(_ => queue.AddRateLimited("a").TotalSeconds));
        Assert.Equal(0.1, queue.AddRateLimited("b").TotalSeconds);
        Assert.Equal(12, queue.Failures("a"));
        queue.Forget("a");
        Assert.Equal(0.1, queue.AddRateLimited("a").TotalSeconds);
    }

    [Fact]
    public async Task ShutDown_DrainsWhatWaitsAndTakesNothingNew()
    {
        queue.Add("a");
        queue.Add("b");
        queue.AddAfter("later", TimeSpan.FromSeconds(1));
        var a = await TakeAsync();
        queue.Add("a");
        queue.ShutDown();
        queue.Add("c");
        Assert.Equal("b", await TakeAsync());
        var rest = queue.TakeAsync(Cancelled).AsTask();
        Assert.False(rest.IsCompleted);
        queue.Done("b");
        queue.Done(a);
        Assert.Equal((true, "a"), await Eventually.Within(rest));
        queue.Done("a");
        Assert.False((await queue.TakeAsync(Cancelled)).HasKey);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(0, queue.Depth);
    }

    [Fact]
    public async Task ShutDown_Empty_WakesWhoWaits()
    {
        var taken = queue.TakeAsync(Cancelled).AsTask();
        queue.ShutDown();
        Assert.False((await Eventually.Within(taken)).HasKey);
    }

    [Fact]
    public async Task Process_HandlerThrows_TriesAgainAfterTheWaitAndForgetsOnSuccess()
    {
        var tries = 0;
        var failures = new ConcurrentQueue<string>();
        queue.Add("a");
        var processing = queue.ProcessAsync(
            1,
            (_, _) => Interlocked.Increment(ref tries) < 3 ? throw new InvalidOperationException("no") : ValueTask.CompletedTask,
            (key, exception, wait) => failures.Enqueue($"{key} {exception.Message} {wait.TotalSeconds}"),
            Cancelled);
        await Eventually.EqualAsync(1, () => queue.Delayed, "the number of delayed keys");
        clock.Advance(TimeSpan.FromSeconds(0.1));
        await Eventually.EqualAsync(2, () => Volatile.Read(ref tries), "the number of tries");
        await Eventually.EqualAsync(1, () => queue.Delayed, "the number of delayed keys");
        clock.Advance(TimeSpan.FromSeconds(0.2));
        await Eventually.EqualAsync(3, () => Volatile.Read(ref tries), "the number of tries");
        await Eventually.EqualAsync(0, () => queue.Failures("a"), "the number of failures");
        Assert.Equal(["a no 0.1", "a no 0.2"], failures);
        queue.ShutDown();
        await Eventually.Within(processing);
    }

    /// <summary>Many producers, many workers: no key is ever worked on twice at once, and none that was added is left behind.</summary>
    [Fact]
    public async Task Process_ManyWorkers_NeverTheSameKeyAtOnceAndNoneLost()
    {
        var system = new WorkQueue<int>(TimeProvider.System, () => 0);
        var working = new int[20];
        var latestAdded = new int[20];
        var latestSeen = new int[20];
        var overlaps = 0;
        var processing = system.ProcessAsync(
            8,
            async (key, _) =>
            {
                if (Interlocked.Increment(ref working[key]) != 1)
                {
                    Interlocked.Increment(ref overlaps);
                }

                Volatile.Write(ref latestSeen[key], Volatile.Read(ref latestAdded[key]));
                await Task.Yield();
                Interlocked.Decrement(ref working[key]);
            },
            (_, exception, _) => throw exception,
            Cancelled);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(producer => Task.Run(
            () =>
            {
                var random = new Random(producer);
                for (var i = 0; i < 20_000; i++)
                {
                    var key = random.Next(20);
                    Interlocked.Increment(ref latestAdded[key]);
                    system.Add(key);
                }
            },
            Cancelled)));
        system.ShutDown();
        await Eventually.Within(processing);
        Assert.Equal(0, overlaps);
        Assert.Equal(latestAdded, latestSeen);
    }

    private async Task<string> TakeAsync()
    {
        var (hasKey, key) = await Eventually.Within(queue.TakeAsync(Cancelled).AsTask());
        Assert.True(hasKey);
        return key;
    }
}
