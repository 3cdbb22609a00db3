using System.Text.Json;
using System.Threading.Channels;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoadBalancer.Kubernetes.Tests.Events;

/// <summary>An API server forgets an Event after an hour; what lasts is said again.</summary>
public sealed class EventRepetitionTests : IAsyncDisposable
{
    private static readonly EventTarget Service = new("v1", "Service", new ObjectKey("default", "web"), "uid-1");

    private readonly TestClock clock = new();
    private readonly CancellationTokenSource stop = new();
    private readonly Channel<EventOutcome> outcomes = Channel.CreateUnbounded<EventOutcome>();
    private ScriptedServer? server;
    private Task running = Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
        await (server?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    [Fact]
    public async Task Repeated_RaisesTheCountOfTheEventThatIsThere()
    {
        var recorder = await StartAsync();
        server!.Then(201, "{}").Then("{}");
        recorder.Record(Service, EventSeverity.Normal, "nodeAssigned", "here");
        // Seen by the server is not yet answered: time that passed in between would be the answer's.
        Assert.Equal(EventOutcome.Created, await outcomes.Reader.ReadAsync(TestContext.Current.CancellationToken));
        clock.Advance(IEventRecorder.RepeatPeriod);
        recorder.Repeat(Service, EventSeverity.Normal, "nodeAssigned", "here", IEventRecorder.RepeatPeriod);
        await server.SeenAsync(2);

        var (created, counted) = (server.Requests[0], server.Requests[1]);
        var name = JsonDocument.Parse(created.Body).RootElement.GetProperty("metadata").GetProperty("name").GetString();
        Assert.Equal(("PATCH", $"/api/v1/namespaces/default/events/{name}"), (counted.Method, counted.Path));
        Assert.Equal(2, JsonDocument.Parse(counted.Body).RootElement.GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task Repeated_AfterTheEventIsGone_IsWrittenAnewWithSinceWhen()
    {
        var recorder = await StartAsync();
        server!.Then(201, "{}");
        clock.Advance(TimeSpan.FromHours(3));
        recorder.Repeat(Service, EventSeverity.Normal, "nodeAssigned", "here", TimeSpan.FromHours(2));
        await server.SeenAsync(1);

        var written = JsonDocument.Parse(server.Requests[0].Body).RootElement;
        Assert.Equal(clock.GetUtcNow() - TimeSpan.FromHours(2), written.GetProperty("firstTimestamp").GetDateTimeOffset());
        Assert.Equal(clock.GetUtcNow(), written.GetProperty("lastTimestamp").GetDateTimeOffset());
        Assert.Equal(2, written.GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task Repeated_IsNoNews_AndCostsNoneOfTheObjectsBudget()
    {
        var recorder = await StartAsync();
        server!.Otherwise = context => ScriptedServer.SendAsync(context, "{}");
        for (var i = 0; i < EventBudget.Burst + 5; i++)
        {
            recorder.Repeat(Service, EventSeverity.Normal, "nodeAssigned", $"number {i}", TimeSpan.FromHours(1));
        }

        recorder.Record(Service, EventSeverity.Normal, "IPAllocated", "news");
        await server.SeenAsync(EventBudget.Burst + 6);
        Assert.Contains("IPAllocated", server.Requests[^1].Body, StringComparison.Ordinal);
    }

    private async Task<EventRecorder> StartAsync()
    {
        server = await ScriptedServer.StartAsync();
        var recorder = new EventRecorder(server.Client(clock), new EventSource("test", "n1"), clock, NullLogger.Instance,
            outcome => outcomes.Writer.TryWrite(outcome));
        running = recorder.RunAsync(stop.Token);
        return recorder;
    }
}
