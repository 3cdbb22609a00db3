using System.Text.Json;
using System.Threading.Channels;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoadBalancer.Kubernetes.Tests.Events;

/// <summary>A recorder that runs against a scripted server, on a fake clock.</summary>
internal sealed class RecorderBench : IAsyncDisposable
{
    internal static readonly EventTarget Service = new("v1", "Service", new ObjectKey("default", "web"), "uid-1");

    private readonly CancellationTokenSource stop = new();
    private readonly Channel<EventOutcome> outcomes = Channel.CreateUnbounded<EventOutcome>();

    private RecorderBench(ScriptedServer server)
    {
        Server = server;
        Recorder = new EventRecorder(
            server.Client(Clock), new EventSource("test", "n1"), Clock, NullLogger.Instance, outcome => outcomes.Writer.TryWrite(outcome));
        Running = Recorder.RunAsync(stop.Token);
    }

    internal ScriptedServer Server { get; }

    internal TestClock Clock { get; } = new();

    internal EventRecorder Recorder { get; }

    internal Task Running { get; }

    internal static async Task<RecorderBench> StartAsync() => new(await ScriptedServer.StartAsync());

    /// <summary>What became of the next Event. A request the server has seen is not yet answered; this is when its answer was read.</summary>
    internal async Task<EventOutcome> OutcomeAsync() => await outcomes.Reader.ReadAsync(TestContext.Current.CancellationToken);

    /// <summary>The body of the nth request, from 0.</summary>
    internal JsonElement Body(int index) => JsonDocument.Parse(Server.Requests[index].Body).RootElement;

    internal Task StopAsync() => stop.CancelAsync();

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Clock.LetEndAsync(Running);
        stop.Dispose();
        await Server.DisposeAsync();
    }
}
