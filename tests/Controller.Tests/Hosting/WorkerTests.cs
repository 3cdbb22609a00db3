using LoadBalancer.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoadBalancer.Controller.Tests.Hosting;

public sealed class WorkerTests
{
    [Fact]
    public async Task WorkerThatThrows_StopsTheProgramWithStatusOne()
    {
        var (lifetime, status) = await RunAsync(_ => throw new InvalidOperationException("broken"));

        Assert.True(lifetime.Stopped);
        Assert.Equal(1, status.Value);
    }

    [Fact]
    public async Task WorkerThatEndsUnasked_StopsTheProgramWithStatusOne()
    {
        var (lifetime, status) = await RunAsync(_ => Task.CompletedTask);

        Assert.True(lifetime.Stopped);
        Assert.Equal(1, status.Value);
    }

    [Fact]
    public async Task WorkerThatIsStopped_LeavesStatusZero()
    {
        var lifetime = new FakeLifetime();
        var status = new ExitStatus();
        using var worker = new Probe(lifetime, status, token => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token));
        await worker.StartAsync(TestContext.Current.CancellationToken);
        await worker.StopAsync(TestContext.Current.CancellationToken);

        Assert.False(lifetime.Stopped);
        Assert.Equal(0, status.Value);
    }

    [Fact]
    public void Readiness_NamesWhatIsMissing()
    {
        var readiness = new Readiness();
        readiness.Require("config", "ConfigMap loadbalancer-system/config was not found");
        readiness.Set("links", true);

        Assert.False(readiness.IsReady);
        Assert.Equal("[-]config: ConfigMap loadbalancer-system/config was not found\n[+]links ok\nnot ready\n", readiness.Describe());

        readiness.Set("config", true);
        Assert.True(readiness.IsReady);
    }

    private static async Task<(FakeLifetime, ExitStatus)> RunAsync(Func<CancellationToken, Task> work)
    {
        var lifetime = new FakeLifetime();
        var status = new ExitStatus();
        using var worker = new Probe(lifetime, status, work);
        await worker.StartAsync(TestContext.Current.CancellationToken);
        await worker.ExecuteTask!;
        return (lifetime, status);
    }

    private sealed class Probe(FakeLifetime lifetime, ExitStatus status, Func<CancellationToken, Task> work)
        : Worker(lifetime, status, NullLogger.Instance)
    {
        protected override Task RunAsync(CancellationToken stoppingToken) => work(stoppingToken);
    }

    private sealed class FakeLifetime : IHostApplicationLifetime
    {
        public bool Stopped { get; private set; }

        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => CancellationToken.None;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => Stopped = true;
    }
}
