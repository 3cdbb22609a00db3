using System.Collections.Concurrent;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoadBalancer.Kubernetes.Tests.ListWatch;

/// <summary>A reflector of Services against a scripted server, on a fake clock, with jitter zero: watches of 300 s, waits of 0.8, 1.6, … s.</summary>
internal sealed class ReflectorHarness : IReflectorObserver, IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private Task run = Task.CompletedTask;

    private ReflectorHarness(ScriptedServer server)
    {
        Server = server;
        var source = new ApiResourceSource<ServiceResource>(server.Client(Clock), ResourceKinds.Services, ResourceSelection.All, Clock);
        Reflector = new Reflector<ServiceResource>(source, Store, ResourceKinds.Services.Name, Clock, () => 0, NullLogger.Instance, this);
        Store.Changed += key => Changes.Enqueue(key.Name);
    }

    internal ScriptedServer Server { get; }

    internal TestClock Clock { get; } = new();

    internal Store<ServiceResource> Store { get; } = new();

    internal Reflector<ServiceResource> Reflector { get; }

    internal ConcurrentQueue<string> Changes { get; } = new();

    internal ConcurrentQueue<string> Happened { get; } = new();

    internal static async Task<ReflectorHarness> CreateAsync() => new(await ScriptedServer.StartAsync());

    internal void Run() => run = Task.Run(() => Reflector.RunAsync(stop.Token));

    internal async Task StopAsync()
    {
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.Within(run));
    }

    /// <summary>The nth request the server saw, waited for; from 0.</summary>
    internal async Task<Seen> RequestAsync(int index)
    {
        await Server.SeenAsync(index + 1);
        return Server.Requests[index];
    }

    internal Task NamesAsync(params string[] names) => Eventually.TrueAsync(
        () => Store.HasSynced && Store.All().Select(service => service.Key.Name).Order(StringComparer.Ordinal).SequenceEqual(names),
        $"the store has {string.Join(",", names)}");

    void IReflectorObserver.Listed(string kind, int objects) => Happened.Enqueue($"listed {objects} {kind}");

    void IReflectorObserver.Watching(string kind) => Happened.Enqueue("watching");

    void IReflectorObserver.Received(string kind, WatchEventType type) => Happened.Enqueue($"received {type}");

    void IReflectorObserver.Failed(string kind, ReflectorFault fault) => Happened.Enqueue($"failed {fault}");

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Clock.LetEndAsync(run);
        await Server.DisposeAsync();
        stop.Dispose();
    }
}
