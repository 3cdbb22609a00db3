using LoadBalancer.Controller.StatusPage;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Controller.Tests.StatusPage;

/// <summary>What readers of the page cost, and what becomes of one that does not read.</summary>
public sealed class StatusFeedTests
{
    private readonly FakeTimeProvider time = new();
    private readonly StatusFeed feed;
    private int made;

    public StatusFeedTests() => feed = new StatusFeed(time)
    {
        Source = () => Task.FromResult(Statuses.Empty with { Replica = $"a{Interlocked.Increment(ref made)}" }),
    };

    [Fact]
    public async Task StatusIsMadeOnceASecondForAllReaders_AndNotWhenNobodyReads()
    {
        Assert.Equal(0, made);
        var (one, other) = (feed.Join()!, feed.Join()!);
        await one.ReadAsync(TestContext.Current.CancellationToken);
        await other.ReadAsync(TestContext.Current.CancellationToken);
        var late = feed.Join()!;
        await late.ReadAsync(TestContext.Current.CancellationToken);
        Assert.InRange(made, 1, 2);

        await Fakes.Eventually.True(() => made >= 4, () => time.Advance(StatusFeed.Period));
        feed.Leave(one);
        feed.Leave(other);
        feed.Leave(late);
        time.Advance(StatusFeed.Period);
        await Fakes.Eventually.True(() =>
        {
            var before = made;
            time.Advance(StatusFeed.Period);
            return made == before;
        });
    }

    [Fact]
    public async Task ReaderThatDoesNotRead_IsLetGo_AndTheOthersGoOn()
    {
        var (idle, keen) = (feed.Join()!, feed.Join()!);
        await keen.ReadAsync(TestContext.Current.CancellationToken);
        for (var i = 0; i < StatusFeed.MostWaiting + 2; i++)
        {
            await Fakes.Eventually.True(() => keen.TryRead(out _), () => time.Advance(StatusFeed.Period));
        }

        var waiting = 0;
        await foreach (var _ in idle.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            waiting++;
        }

        Assert.Equal(StatusFeed.MostWaiting, waiting);
        Assert.True(idle.Completion.IsCompleted);
        Assert.False(keen.Completion.IsCompleted);
    }

    [Fact]
    public async Task SourceThatFails_IsAskedAgain()
    {
        var fails = true;
        feed.Source = () => fails ? Task.FromException<Status.ControllerStatus>(new TimeoutException()) : Task.FromResult(Statuses.Empty);
        var reader = feed.Join()!;
        time.Advance(StatusFeed.Period);
        fails = false;

        await Fakes.Eventually.True(() => reader.TryRead(out _), () => time.Advance(StatusFeed.Period));
    }
}
