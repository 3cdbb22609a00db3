using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Strangers;
using LoadBalancer.Speaker.Tests.Links;

namespace LoadBalancer.Speaker.Tests.Strangers;

public sealed class StatementRingTests : IDisposable
{
    private readonly LinkRunner link = new(new FakeLink(FakeLink.FactsOf("eth0", 2)), new FakePeers(), null, (_, _) => { });
    private readonly StatementRing ring = new(8);

    public void Dispose() => link.Dispose();

    [Fact]
    public void Statements_ComeOutInOrder_LapAfterLap()
    {
        for (uint i = 0; i < 100; i++)
        {
            Assert.True(ring.TryAdd(link, Statement(i)));
            Assert.True(ring.TryTake(out var from, out var statement));
            Assert.Same(link, from);
            Assert.Equal(Statement(i), statement);
        }

        Assert.False(ring.TryTake(out _, out _));
    }

    [Fact]
    public void FullRing_Refuses_AndKeepsWhatItHas()
    {
        for (uint i = 0; i < 8; i++)
        {
            Assert.True(ring.TryAdd(link, Statement(i)));
        }

        Assert.False(ring.TryAdd(link, Statement(8)));
        Assert.True(ring.TryTake(out _, out var first));
        Assert.Equal(Statement(0), first);
        Assert.True(ring.TryAdd(link, Statement(9)));
    }

    [Fact]
    public void SeveralThreads_AddingAtOnce_LoseAndDoubleNothing()
    {
        // Large enough that a thread which is not scheduled holds the others up a thousand times, not ten thousand.
        var shared = new StatementRing(64);
        const int Threads = 3;
        const int Each = 20_000;
        using var over = new CancellationTokenSource();
        var threads = Enumerable.Range(0, Threads).Select(number => new Thread(() =>
        {
            for (var i = 0; i < Each; i++)
            {
                while (!shared.TryAdd(link, Statement((uint)((number * Each) + i))) && !over.IsCancellationRequested)
                {
                    Thread.Yield();
                }
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        try
        {
            var last = Enumerable.Repeat(-1, Threads).ToArray();
            for (var taken = 0; taken < Threads * Each;)
            {
                if (shared.TryTake(out _, out var statement))
                {
                    taken++;
                    var (number, i) = Math.DivRem((int)statement.Address.AsUInt32, Each);
                    Assert.Equal(last[number] + 1, i);
                    last[number] = i;
                }
                else
                {
                    TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
                    Thread.Yield();
                }
            }
        }
        finally
        {
            over.Cancel();
            threads.ForEach(thread => thread.Join());
        }

        Assert.False(shared.TryTake(out _, out _));
    }

    private static AddressStatement Statement(uint number) => new(IpAddress.FromUInt32(number), new MacAddress(number), StatementForm.Use);
}
