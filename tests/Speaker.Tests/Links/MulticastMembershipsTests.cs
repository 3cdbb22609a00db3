using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Speaker.Tests.Links;

public sealed class MulticastMembershipsTests : IDisposable
{
    private static readonly IpAddress Vip = IpAddress.Parse("fd00:96::100");

    private readonly FakeTimeProvider time = new();
    private readonly Dictionary<string, FakeGroups> kernel = [];
    private readonly List<LinkRunner> runners = [];
    private readonly MulticastMemberships memberships;
    private string? refuses;

    public MulticastMembershipsTests() => memberships = new MulticastMemberships(() => [.. runners], Open, time, NullLogger.Instance);

    public void Dispose()
    {
        memberships.Dispose();
        runners.ForEach(runner => runner.Dispose());
    }

    [Fact]
    public void EveryLink_IsInTheGroupsOfItsOwnTable()
    {
        Link("eth0", 2).Table = Table(Vip);
        Link("eth1", 3).Table = Table(Vip.Add(1), IpAddress.Parse("192.168.96.100"));

        memberships.Reconcile();

        Assert.Equal(["ff02::1:ff00:100"], kernel["eth0"].Joined);
        Assert.Equal(["ff02::1:ff00:101"], kernel["eth1"].Joined);
    }

    [Fact]
    public void LinkThatAppearsLater_JoinsWhenItHasATable()
    {
        Link("eth0", 2).Table = Table(Vip);
        memberships.Reconcile();
        var late = Link("eth1", 3);
        memberships.Reconcile();
        Assert.Empty(kernel["eth1"].Joined);

        late.Table = Table(Vip);
        memberships.Reconcile();

        Assert.Equal(["ff02::1:ff00:100"], kernel["eth1"].Joined);
    }

    [Fact]
    public void LinkThatFlaps_IsAnotherLink_AndJoinsAnew()
    {
        Link("eth0", 2).Table = Table(Vip);
        memberships.Reconcile();
        var before = kernel["eth0"];
        runners.Clear();
        memberships.Reconcile();
        Assert.True(before.IsDisposed);

        Link("eth0", 4).Table = Table(Vip);
        memberships.Reconcile();

        Assert.NotSame(before, kernel["eth0"]);
        Assert.Equal(["ff02::1:ff00:100"], kernel["eth0"].Joined);
    }

    [Fact]
    public async Task GroupThatCannotBeJoined_IsTriedAgainAfterAPause()
    {
        refuses = "no room";
        Link("eth0", 2).Table = Table(Vip);
        using var stop = new CancellationTokenSource();
        var running = memberships.RunAsync(stop.Token);
        await Eventually(() => kernel.TryGetValue("eth0", out var groups) && groups.Joins == 1);

        kernel["eth0"].Refuses = null;
        await Eventually(() =>
        {
            time.Advance(MulticastMemberships.RetryPause);
            return kernel["eth0"].Joined.Count == 1;
        });

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private static async Task Eventually(Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30), TimeProvider.System);
        while (!condition())
        {
            deadline.Token.ThrowIfCancellationRequested();
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, deadline.Token);
        }
    }

    private static AnswerTable Table(params IpAddress[] addresses) => AnswerTable.Create(
        addresses.Select(address => KeyValuePair.Create(address, MacAddress.Parse("52:54:00:00:00:01"))));

    private LinkRunner Link(string name, int index)
    {
        var runner = new LinkRunner(new FakeLink(FakeLink.FactsOf(name, index)), new FakePeers(), null, (_, _) => { });
        runners.Add(runner);
        return runner;
    }

    private FakeGroups Open(LinkFacts facts) => kernel[facts.Name] = new FakeGroups { Refuses = refuses };
}
