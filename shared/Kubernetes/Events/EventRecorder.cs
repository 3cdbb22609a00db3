using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Threading.Channels;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Kubernetes.Events;

/// <summary>
/// Writes core/v1 Events in the background, one after the other, so that a burst of Events never competes with the writes it reports.
/// </summary>
public sealed partial class EventRecorder : IEventRecorder
{
    /// <summary>How many Events may wait: enough for three thousand Services that all change at once, twice.</summary>
    public const int QueueCapacity = 8192;

    /// <summary>Within this time the same Event again raises the count of the first.</summary>
    public static readonly TimeSpan AggregationTime = TimeSpan.FromMinutes(10);

    // An Event that is repeated is found again; beyond that it is written anew.
    private static readonly TimeSpan LongestRemembered = IEventRecorder.RepeatPeriod + TimeSpan.FromMinutes(5);

    private const int MostRemembered = 16_384;
    private const int LongestMessage = 1024;
    private const int LongestReason = 128;

    // An Event that could not be delivered for so long is given up.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);

    private readonly ApiClient api;
    private readonly EventSource source;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Action<EventOutcome>? observer;
    private readonly EventBudget budget;
    private readonly Dictionary<UInt128, Written> remembered = [];
    private readonly HeldEvents held;
    private readonly Channel<WaitingEvent> queue;
    private long lastNumber;

    /// <summary>A recorder; <see cref="RunAsync"/> delivers.</summary>
    /// <param name="api">The API server.</param>
    /// <param name="source">Who reports.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where Events that cannot be delivered are logged.</param>
    /// <param name="observer">Is told what became of each Event, or null.</param>
    public EventRecorder(ApiClient api, EventSource source, TimeProvider time, ILogger logger, Action<EventOutcome>? observer = null)
    {
        this.api = api;
        this.source = source;
        this.time = time;
        this.logger = logger;
        this.observer = observer;
        budget = new EventBudget(time);
        held = new HeldEvents(budget, time);

        // What is newest says how things are.
        queue = Channel.CreateBounded<WaitingEvent>(
            new BoundedChannelOptions(QueueCapacity) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest }, Overflow);
    }

    /// <inheritdoc/>
    public void Record(EventTarget target, EventSeverity severity, string reason, string message) =>
        Enqueue(target, severity, reason, message, age: null);

    /// <inheritdoc/>
    public void Repeat(EventTarget target, EventSeverity severity, string reason, string message, TimeSpan age) =>
        Enqueue(target, severity, reason, message, age);

    private void Enqueue(EventTarget target, EventSeverity severity, string reason, string message, TimeSpan? age)
    {
        var subject = new EventSubject(target, severity, Cut(reason, LongestReason), Cut(message, LongestMessage));
        queue.Writer.TryWrite(new WaitingEvent(subject, time.GetUtcNow(), time.GetTimestamp(), age));
    }

    private void Overflow(WaitingEvent dropped)
    {
        observer?.Invoke(EventOutcome.Overflowed);
        LogOverflow(dropped.Subject.Target.Kind, dropped.Subject.Target.Key, dropped.Subject.Reason);
    }

    /// <summary>Delivers until cancelled; then, for at most two seconds, what is still waiting: the last words are often the telling ones.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // An Event that is under way at the shutdown goes on: cut off and sent again it could be there twice.
        using var deadline = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var stopping = cancellationToken.Register(() => deadline.CancelAfter(DrainTime));
        try
        {
            while (await WaitAsync(cancellationToken).ConfigureAwait(false))
            {
                while (TryTakeNext(cancellationToken.IsCancellationRequested, out var next))
                {
                    await DeliverAsync(next, deadline.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            LogUndelivered(queue.Reader.Count + held.Count + 1);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>
    /// Takes what may be written: first what comes in, so that what is held is the newest, then what is held; at the end of the program
    /// whether there is room for it or not.
    /// </summary>
    private bool TryTakeNext(bool ending, [NotNullWhen(true)] out WaitingEvent? next)
    {
        while (queue.Reader.TryRead(out next))
        {
            if (next.Age is not null || budget.TryTake(next.Subject.Target))
            {
                Limited(held.Supersede(next));
                return true;
            }

            Limited(held.Hold(next));
        }

        return ending ? held.TryTakeAny(out next) : held.TryTakeDue(out next);
    }

    private void Limited(int count)
    {
        for (; count > 0; count--)
        {
            observer?.Invoke(EventOutcome.Limited);
        }
    }

    /// <summary>Waits until something comes in, or there is room for something held. After the end only what is left is to be delivered.</summary>
    /// <returns>Whether there is something to deliver.</returns>
    private async ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        using var room = new CancellationTokenSource(held.Wait() ?? Timeout.InfiniteTimeSpan, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(room.Token, cancellationToken);
        try
        {
            return await queue.Reader.WaitToReadAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return queue.Reader.TryPeek(out _) || held.Count > 0;
        }
    }

    private async Task DeliverAsync(WaitingEvent waiting, CancellationToken cancellationToken)
    {
        var subject = waiting.Subject;
        var number = NewNumber(waiting.Recorded);
        for (var tries = 1; ; tries++)
        {
            try
            {
                // Not inside the null-conditional call: without an observer its argument, the write itself, would not be evaluated.
                var outcome = await WriteAsync(waiting, number, cancellationToken).ConfigureAwait(false);
                observer?.Invoke(outcome);
                return;
            }
            catch (HttpRequestException e) when (IsRefusal(e) || time.GetElapsedTime(waiting.At) >= Patience)
            {
                observer?.Invoke(EventOutcome.Failed);
                LogFailed(subject.Target.Kind, subject.Target.Key, subject.Reason, subject.Message, e.Message);
                return;
            }
            catch (HttpRequestException)
            {
                // The API server is away; what happened meanwhile is what people will want to know when it is back.
                await Task.Delay(Backoff.Watch.After(tries, 0), time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static bool IsRefusal(HttpRequestException exception) =>
        exception.StatusCode is { } status && (int)status < 500 && status != HttpStatusCode.TooManyRequests;

    private async Task<EventOutcome> WriteAsync(WaitingEvent waiting, long number, CancellationToken cancellationToken)
    {
        var subject = waiting.Subject;
        var id = EventId.Of(subject);
        if (remembered.TryGetValue(id, out var written)
            && (waiting.Age is not null || time.GetElapsedTime(written.At) < AggregationTime))
        {
            var again = written with { Count = written.Count + 1, At = time.GetTimestamp() };
            if (await TryCountAsync(subject.Target, again, waiting.Recorded, cancellationToken).ConfigureAwait(false))
            {
                remembered[id] = again;
                return EventOutcome.Counted;
            }
        }

        await CreateAsync(subject, KeyOf(subject.Target, number), waiting.Recorded - (waiting.Age ?? TimeSpan.Zero), waiting.Recorded, cancellationToken).ConfigureAwait(false);
        Remember(id, new Written(number, 1, time.GetTimestamp()));
        return EventOutcome.Created;
    }

    // False if the Event is gone: the API server keeps Events for an hour, and people delete them.
    private async Task<bool> TryCountAsync(EventTarget target, Written written, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var request = ApiRequest.For(ApiResource.Events, "v1", ApiVerb.Patch, KeyOf(target, written.Number)) with { Body = EventJson.Count(written.Count, now) };
        try
        {
            return await api.SendAsync(request, static _ => true, cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
    }

    private async Task CreateAsync(EventSubject subject, ObjectKey key, DateTimeOffset first, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var request = new ApiRequest(ApiResource.Events, "v1", ApiVerb.Create)
        {
            Namespace = key.Namespace,
            Body = EventJson.Create(key, subject.Target, subject.Severity, subject.Reason, subject.Message, source, first, now),
        };
        try
        {
            await api.SendAsync(request, static _ => true, cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.StatusCode == HttpStatusCode.Conflict)
        {
            // The name is ours alone: an earlier try arrived, and only its answer was lost.
        }
    }

    private void Remember(UInt128 id, Written written)
    {
        if (remembered.Count >= MostRemembered)
        {
            foreach (var (old, its) in remembered)
            {
                if (time.GetElapsedTime(its.At) >= LongestRemembered)
                {
                    remembered.Remove(old);
                }
            }

            if (remembered.Count >= MostRemembered)
            {
                remembered.Clear();
            }
        }

        remembered[id] = written;
    }

    // Events about cluster-scoped objects live in the namespace default (core/v1 Event validation).
    private static string NamespaceOf(EventTarget target) => target.Key.Namespace.Length > 0 ? target.Key.Namespace : "default";

    // The time in 100 ns units, made unique.
    private long NewNumber(DateTimeOffset now) => lastNumber = Math.Max(lastNumber + 1, now.UtcTicks);

    // NAME.HEX as Kubernetes' own components name them, 253 characters at most.
    private static ObjectKey KeyOf(EventTarget target, long number)
    {
        var name = target.Key.Name;
        var suffix = number.ToString("x16", CultureInfo.InvariantCulture);
        var longest = 253 - 1 - suffix.Length;
        return new ObjectKey(NamespaceOf(target), $"{(name.Length > longest ? name[..longest].TrimEnd('.', '-') : name)}.{suffix}");
    }

    private static string Cut(string text, int longest)
    {
        if (text.Length <= longest)
        {
            return text;
        }

        var end = longest - 1;
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[end - 1]) ? end - 1 : end), "…");
    }

    [LoggerMessage(EventId = 2030, Level = LogLevel.Warning, Message = "Event {Reason} on {Kind} {Object} was dropped: too many are waiting")]
    private partial void LogOverflow(string kind, ObjectKey @object, string reason);

    [LoggerMessage(EventId = 2031, Level = LogLevel.Warning, Message = "Event {Reason} on {Kind} {Object} (\"{Message}\") could not be written: {Error}")]
    private partial void LogFailed(string kind, ObjectKey @object, string reason, string message, string error);

    [LoggerMessage(EventId = 2032, Level = LogLevel.Warning, Message = "{Count} Events were not delivered before the shutdown")]
    private partial void LogUndelivered(int count);

    /// <param name="Number">The end of its name.</param>
    /// <param name="Count">How often it was told.</param>
    /// <param name="At">When last.</param>
    private readonly record struct Written(long Number, int Count, long At);
}
