using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Speaker.Tests.Links;

public sealed class LinkRunnersTests : IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly LinkSet links = new();
    private readonly List<FakeLink> opened = [];
    private readonly LinkRunners runners;
    private int tries;
    private int changes;
    private bool refuse;

    public LinkRunnersTests()
    {
        runners = new LinkRunners(links, Open, new FakePeers(), null, time, NullLogger.Instance);
        runners.Changed += () => changes++;
    }

    public void Dispose() => runners.Dispose();

    [Fact]
    public void Links_AreOpenedAndClosedWithTheSet()
    {
        Set(FakeLink.FactsOf("eth0", 2), FakeLink.FactsOf("eth1", 3));
        Assert.Equal(["eth0", "eth1"], runners.Current.Select(runner => runner.Facts.Name));

        Set(FakeLink.FactsOf("eth1", 3));

        Assert.Equal(["eth1"], runners.Current.Select(runner => runner.Facts.Name));
        Assert.True(opened[0].IsDisposed);
        Assert.False(opened[1].IsDisposed);
        Assert.Equal(2, changes);
    }

    [Theory]
    [InlineData("eth0", 7)]
    [InlineData("lan0", 2)]
    public void InterfaceWithAnotherIndexOrName_IsAnotherLink(string name, int index)
    {
        Set(FakeLink.FactsOf("eth0", 2));
        var before = Assert.Single(runners.Current);
        Set(FakeLink.FactsOf(name, index));

        Assert.NotSame(before, Assert.Single(runners.Current));
        Assert.True(before.IsClosed);
    }

    // A bond whose ports take turns, an administrator: the interface stays open, and so does what is known of its segment.
    [Fact]
    public void HardwareAddress_IsThatOfTheFacts_OnTheSameRunner()
    {
        Set(FakeLink.FactsOf("eth0", 2));
        var runner = Assert.Single(runners.Current);

        Set(FakeLink.FactsOf("eth0", 2, "52:54:00:00:00:99"));

        Assert.Same(runner, Assert.Single(runners.Current));
        Assert.Equal(MacAddress.Parse("52:54:00:00:00:99"), runner.Mac);
        Assert.False(runner.IsClosed);
        Assert.Equal(2, changes);
    }

    [Fact]
    public void CarrierOrPrefixes_ChangeTheFactsOfTheSameRunner()
    {
        Set(FakeLink.FactsOf("eth0", 2));
        var runner = Assert.Single(runners.Current);

        Set(FakeLink.FactsOf("eth0", 2, carrier: false));

        Assert.Same(runner, Assert.Single(runners.Current));
        Assert.False(runner.Facts.Carrier);
        Assert.False(runner.IsClosed);
        Assert.Equal(2, changes);
    }

    [Fact]
    public void NothingNew_RaisesNothing()
    {
        Set(FakeLink.FactsOf("eth0", 2));
        runners.Reconcile();

        Assert.Equal(1, changes);
    }

    [Fact]
    public void NewRunner_CanBeGivenItsTableBeforeItsFirstFrame()
    {
        runners.Changed += () => runners.Current[0].Table = AnswerTable.Create([new(IpAddress.FromUInt32(1), runners.Current[0].Mac)]);

        Set(FakeLink.FactsOf("eth0", 2));

        Assert.Equal(1, runners.Current[0].Table.Count);
    }

    [Fact]
    public void LinkThatCannotBeOpened_IsTriedAgainWithGrowingPauses()
    {
        refuse = true;
        Set(FakeLink.FactsOf("eth0", 2));
        Assert.Empty(runners.Current);

        var at = new List<int> { 0 };
        for (var elapsed = 10; elapsed <= 40_000; elapsed += 10)
        {
            var before = tries;
            time.Advance(TimeSpan.FromMilliseconds(10));
            runners.Reconcile();
            at.AddRange(Enumerable.Repeat(elapsed, tries - before));
        }

        Assert.Equal([0, 100, 300, 700, 1500, 3100, 6300, 12700, 22700, 32700], at);

        refuse = false;
        time.Advance(TimeSpan.FromSeconds(10));
        runners.Reconcile();
        Assert.Single(runners.Current);
    }

    [Fact]
    public async Task LinkThatEnds_IsOpenedAgain()
    {
        using var stop = new CancellationTokenSource();
        var twice = new TaskCompletionSource();
        runners.Changed += () =>
        {
            if (runners.Current.Count == 1 && opened.Count == 2)
            {
                twice.TrySetResult();
            }
            else if (runners.Current.Count == 0)
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
            }
        };
        Set(FakeLink.FactsOf("eth0", 2));
        var run = runners.RunAsync(stop.Token);

        opened[0].Fail("the interface went down or away");

        await twice.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.True(opened[0].IsDisposed);
        Assert.False(opened[1].IsDisposed);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.False(opened[1].IsDisposed);
    }

    [Fact]
    public void Dispose_ClosesAll()
    {
        Set(FakeLink.FactsOf("eth0", 2), FakeLink.FactsOf("eth1", 3));

        runners.Dispose();

        Assert.All(opened, link => Assert.True(link.IsDisposed));
        Assert.Empty(runners.Current);
    }

    private void Set(params LinkFacts[] facts)
    {
        links.Update(facts);
        runners.Reconcile();
    }

    private FakeLink Open(LinkFacts facts)
    {
        tries++;
        if (refuse)
        {
            throw new IOException($"{facts.Name}: not now");
        }

        var link = new FakeLink(facts);
        opened.Add(link);
        return link;
    }
}
