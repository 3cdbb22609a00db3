using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Tests.Support;

namespace LoadBalancer.Kubernetes.Tests.Events;

/// <summary>An API server forgets an Event after an hour; what lasts is said again.</summary>
public sealed class EventRepetitionTests
{
    [Fact]
    public async Task Repeated_RaisesTheCountOfTheEventThatIsThere()
    {
        await using var bench = await RecorderBench.StartAsync();
        bench.Server.Then(201, "{}").Then("{}");
        bench.Recorder.Record(RecorderBench.Service, EventSeverity.Normal, "nodeAssigned", "here");
        Assert.Equal(EventOutcome.Created, await bench.OutcomeAsync());
        bench.Clock.Advance(IEventRecorder.RepeatPeriod);
        bench.Recorder.Repeat(RecorderBench.Service, EventSeverity.Normal, "nodeAssigned", "here", IEventRecorder.RepeatPeriod);
        Assert.Equal(EventOutcome.Counted, await bench.OutcomeAsync());

        var counted = bench.Server.Requests[1];
        var name = bench.Body(0).GetProperty("metadata").GetProperty("name").GetString();
        Assert.Equal(("PATCH", $"/api/v1/namespaces/default/events/{name}"), (counted.Method, counted.Path));
        Assert.Equal(2, bench.Body(1).GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task Repeated_AfterTheEventIsGone_IsWrittenAnewWithSinceWhen()
    {
        await using var bench = await RecorderBench.StartAsync();
        bench.Server.Then(201, "{}");
        bench.Clock.Advance(TimeSpan.FromHours(3));
        bench.Recorder.Repeat(RecorderBench.Service, EventSeverity.Normal, "nodeAssigned", "here", TimeSpan.FromHours(2));
        Assert.Equal(EventOutcome.Created, await bench.OutcomeAsync());

        var written = bench.Body(0);
        Assert.Equal(bench.Clock.GetUtcNow() - TimeSpan.FromHours(2), written.GetProperty("firstTimestamp").GetDateTimeOffset());
        Assert.Equal(bench.Clock.GetUtcNow(), written.GetProperty("lastTimestamp").GetDateTimeOffset());
        Assert.Equal(2, written.GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task Repeated_IsNoNews_AndCostsNoneOfTheObjectsBudget()
    {
        await using var bench = await RecorderBench.StartAsync();
        bench.Server.Otherwise = context => ScriptedServer.SendAsync(context, "{}");
        for (var i = 0; i < EventBudget.Burst + 5; i++)
        {
            bench.Recorder.Repeat(RecorderBench.Service, EventSeverity.Normal, "nodeAssigned", $"number {i}", TimeSpan.FromHours(1));
            Assert.Equal(EventOutcome.Created, await bench.OutcomeAsync());
        }

        bench.Recorder.Record(RecorderBench.Service, EventSeverity.Normal, "IPAllocated", "news");
        Assert.Equal(EventOutcome.Created, await bench.OutcomeAsync());
        Assert.Equal("IPAllocated", bench.Body(EventBudget.Burst + 5).GetProperty("reason").GetString());
    }
}
