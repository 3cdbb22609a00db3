using LoadBalancer.Controller.HeartbeatKey;
using LoadBalancer.Controller.Tests.Fakes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Controller.Tests.HeartbeatKey;

public sealed class HeartbeatKeyKeeperTests
{
    [Fact]
    public async Task Keeper_CreatesTheSecretAtOnceAndAgainAfterADeletionOrAFailure()
    {
        var time = new FakeTimeProvider();
        using var stop = new CancellationTokenSource();
        var (exists, created, tries) = (false, 0, 0);
        var keeper = new HeartbeatKeyKeeper(_ =>
        {
            if (++tries == 2)
            {
                throw new HttpRequestException("down");
            }

            created += exists ? 0 : 1;
            var made = !exists;
            exists = true;
            return Task.FromResult(made);
        }, time, NullLogger<HeartbeatKeyKeeper>.Instance);

        var run = keeper.KeepAsync(stop.Token);
        Assert.Equal(1, created);
        exists = false;
        await Eventually.True(() => created == 2, () => time.Advance(HeartbeatKeyKeeper.Interval));
        Assert.True(tries >= 3);
        await stop.CancelAsync();
        await run;
    }
}
