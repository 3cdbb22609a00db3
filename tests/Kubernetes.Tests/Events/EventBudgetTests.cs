using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoadBalancer.Kubernetes.Tests.Events;

/// <summary>An object that changes all the time has a bounded number of Events, and the last of them says how it is now.</summary>
public sealed class EventBudgetTests : IAsyncDisposable
{
    private static readonly EventTarget ConfigMap = new("v1", "ConfigMap", new ObjectKey("loadbalancer-system", "config"), "uid-1");

    private readonly TestClock clock = new();
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentQueue<EventOutcome> outcomes = new();
    private ScriptedServer? server;
    private Task running = Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await clock.LetEndAsync(running);
        stop.Dispose();
        await (server?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    [Fact]
    public async Task Spent_TheNewestStateIsWrittenAsSoonAsThereIsRoomAgain_WithTheTimeItBegan()
    {
        var recorder = await StartAsync();
        await SpendAsync(recorder);
        var began = clock.GetUtcNow();
        recorder.Record(ConfigMap, EventSeverity.Warning, "ConfigInvalid", "mistake in line 1");
        recorder.Record(ConfigMap, EventSeverity.Warning, "ConfigInvalid", "mistake in line 2");
        await TakenInAsync(recorder);
        Assert.Equal(1, Count(EventOutcome.Limited));

        await PassAsync();
        await WrittenAsync(EventBudget.Burst + 2);
        var written = JsonDocument.Parse(server!.Requests[^1].Body).RootElement;
        Assert.Equal("mistake in line 2", written.GetProperty("message").GetString());
        Assert.Equal(began, written.GetProperty("lastTimestamp").GetDateTimeOffset());
    }

    [Fact]
    public async Task Spent_EachReasonKeepsItsNewest_AndTheNewestOfAllGoesFirst()
    {
        var recorder = await StartAsync();
        await SpendAsync(recorder);
        recorder.Record(ConfigMap, EventSeverity.Warning, "ConfigInvalid", "mistake in line 1");
        recorder.Record(ConfigMap, EventSeverity.Warning, "AddressesSkipped", "10.0.0.1");
        recorder.Record(ConfigMap, EventSeverity.Normal, "ConfigLoaded", "two pools");
        await TakenInAsync(recorder);
        for (var written = EventBudget.Burst + 2; written <= EventBudget.Burst + 4; written++)
        {
            await PassAsync();
            await WrittenAsync(written);
        }

        Assert.Equal(["ConfigLoaded", "AddressesSkipped", "ConfigInvalid"], Reasons()[^3..]);
    }

    // What is told without a pause would otherwise keep back for good what was told once.
    [Fact]
    public async Task Spent_WhatWasToldOnce_IsWrittenAlthoughSomethingElseIsToldAllTheTime()
    {
        var recorder = await StartAsync();
        await SpendAsync(recorder);
        recorder.Record(ConfigMap, EventSeverity.Warning, "AddressesSkipped", "10.0.0.1");
        for (var turn = 1; turn <= 10; turn++)
        {
            recorder.Record(ConfigMap, EventSeverity.Normal, "ConfigLoaded", $"turn {turn}");
            await TakenInAsync(recorder);
            await PassAsync();
            await WrittenAsync(EventBudget.Burst + (2 * turn));
        }

        Assert.Contains("AddressesSkipped", Reasons());
    }

    [Fact]
    public async Task Spent_OtherObjectsAreWrittenAtOnce()
    {
        var recorder = await StartAsync();
        await SpendAsync(recorder);
        recorder.Record(ConfigMap, EventSeverity.Normal, "ConfigLoaded", "two pools");
        await TakenInAsync(recorder);
        Assert.Equal("Other", Reasons()[^1]);
    }

    [Fact]
    public async Task Spent_AtTheEndOfTheProgram_TheNewestStateIsWritten()
    {
        var recorder = await StartAsync();
        await SpendAsync(recorder);
        recorder.Record(ConfigMap, EventSeverity.Normal, "ConfigLoaded", "two pools");
        await TakenInAsync(recorder);
        await stop.CancelAsync();
        await server!.SeenAsync(EventBudget.Burst + 2);
        Assert.Equal("ConfigLoaded", Reasons()[^1]);
    }

    [Fact]
    public async Task QueueFull_TheOldestGives_AndTheNewestIsWritten()
    {
        const int TooMany = 10;
        var recorder = await StartAsync();
        var away = new TaskCompletionSource();
        server!.Otherwise = async context =>
        {
            await away.Task;
            await CreatedAsync(context);
        };
        recorder.Record(Numbered(0), EventSeverity.Normal, "IPAllocated", "the one under way");
        await server.SeenAsync(1);
        for (var i = 1; i <= EventRecorder.QueueCapacity + TooMany; i++)
        {
            recorder.Record(Numbered(i), EventSeverity.Normal, "IPAllocated", $"number {i}");
        }

        Assert.Equal(TooMany, Count(EventOutcome.Overflowed));
        away.SetResult();
        await WrittenAsync(1 + EventRecorder.QueueCapacity);
        Assert.Contains($"number {EventRecorder.QueueCapacity + TooMany}\"", server.Requests[^1].Body, StringComparison.Ordinal);

        static EventTarget Numbered(int i) => ConfigMap with { Uid = $"uid-{i}" };
    }

    private async Task SpendAsync(EventRecorder recorder)
    {
        for (var i = 1; i <= EventBudget.Burst; i++)
        {
            recorder.Record(ConfigMap, EventSeverity.Normal, "ConfigLoaded", $"number {i}");
        }

        await WrittenAsync(EventBudget.Burst);
    }

    /// <summary>Lets pass what the recorder waits for, once it does: a request's own deadlines are shorter.</summary>
    private async Task PassAsync()
    {
        await Eventually.TrueAsync(() => clock.Waits[^1] > TimeSpan.FromMinutes(1), "the recorder waits for room");
        clock.Advance(clock.Waits[^1]);
    }

    private Task WrittenAsync(int count) =>
        Eventually.EqualAsync(count, () => Count(EventOutcome.Created), "the number of Events that were written");

    /// <summary>What was recorded up to here has been looked at: an Event of another object, recorded after it, is written.</summary>
    private async Task TakenInAsync(EventRecorder recorder)
    {
        var before = Count(EventOutcome.Created);
        var other = new EventTarget("v1", "ConfigMap", new ObjectKey("default", "other"), $"uid-{before}");
        recorder.Record(other, EventSeverity.Normal, "Other", "at once");
        await WrittenAsync(before + 1);
    }

    private int Count(EventOutcome outcome) => outcomes.Count(its => its == outcome);

    private string[] Reasons() =>
        [.. server!.Requests.Select(request => JsonDocument.Parse(request.Body).RootElement.GetProperty("reason").GetString()!)];

    private static Task CreatedAsync(Microsoft.AspNetCore.Http.HttpContext context)
    {
        context.Response.StatusCode = (int)HttpStatusCode.Created;
        return ScriptedServer.SendAsync(context, "{}");
    }

    private async Task<EventRecorder> StartAsync()
    {
        server = await ScriptedServer.StartAsync();
        server.Otherwise = CreatedAsync;
        var recorder = new EventRecorder(server.Client(clock), new EventSource("test", "n1"), clock, NullLogger.Instance, outcomes.Enqueue);
        running = recorder.RunAsync(stop.Token);
        return recorder;
    }
}
