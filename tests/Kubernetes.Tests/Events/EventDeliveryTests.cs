using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace LoadBalancer.Kubernetes.Tests.Events;

/// <summary>Each Event arrives once: also when its answer is lost, or the program ends meanwhile.</summary>
public sealed class EventDeliveryTests
{
    [Fact]
    public async Task EventsUnderWayAndWaiting_WhenTheProgramStops_AreWrittenOnce()
    {
        await using var bench = await RecorderBench.StartAsync();
        var answer = new TaskCompletionSource();
        bench.Server.Then(async context =>
        {
            await answer.Task.WaitAsync(context.RequestAborted);
            context.Response.StatusCode = StatusCodes.Status201Created;
            await ScriptedServer.SendAsync(context, "{}");
        }).Then(201, "{}");
        Record(bench, "the last word but one");
        Record(bench, "the last word");
        await bench.Server.SeenAsync(1);
        await bench.StopAsync();
        answer.SetResult();

        Assert.Equal(EventOutcome.Created, await bench.OutcomeAsync());
        Assert.Equal(EventOutcome.Created, await bench.OutcomeAsync());
        await Eventually.EndedAsync(bench.Running);
        Assert.Equal(["the last word but one", "the last word"], bench.Server.Requests.Select((_, index) => bench.Body(index).GetProperty("message").GetString()));
    }

    [Fact]
    public async Task Events_ThatNobodyTakesWhenTheProgramStops_AreGivenUpAfterTwoSeconds()
    {
        await using var bench = await RecorderBench.StartAsync();
        bench.Server.Then(ScriptedServer.HangAsync);
        Record(bench, "last words");
        await bench.Server.SeenAsync(1);
        await bench.StopAsync();
        bench.Clock.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(bench.Running.IsCompleted);

        bench.Clock.Advance(TimeSpan.FromSeconds(0.1));
        await Eventually.EndedAsync(bench.Running);
        Assert.Single(bench.Server.Requests);
    }

    [Fact]
    public async Task Event_WhoseAnswersAreLost_IsTriedAgainUnderTheSameName()
    {
        await using var bench = await RecorderBench.StartAsync();
        var arrivals = 0;
        bench.Server.Otherwise = async context =>
        {
            // The retries of one call, then a call anew: each has arrived before.
            if (Interlocked.Increment(ref arrivals) <= 7)
            {
                context.Abort();
                return;
            }

            context.Response.StatusCode = StatusCodes.Status409Conflict;
            await ScriptedServer.SendAsync(context, Json.Failure(409, "AlreadyExists"));
        };
        Record(bench, "here");
        await Eventually.TrueAsync(
            () =>
            {
                bench.Clock.Advance(TimeSpan.FromMilliseconds(100));
                return arrivals >= 8;
            },
            "it was tried eight times");

        Assert.Equal(EventOutcome.Created, await bench.OutcomeAsync());
        Assert.Single(bench.Server.Requests.Select((_, index) => bench.Body(index).GetProperty("metadata").GetProperty("name").GetString()).Distinct());
    }

    private static void Record(RecorderBench bench, string message) =>
        bench.Recorder.Record(RecorderBench.Service, EventSeverity.Normal, "nodeAssigned", message);
}
