using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Status;

namespace LoadBalancer.Kubernetes.Report;

/// <summary>
/// A recorder that also remembers what was told last, for <c>/status</c>: an Event may be dropped or forgotten by the API server, or never
/// have reached it. From any thread.
/// </summary>
/// <param name="recorder">Writes the Events.</param>
/// <param name="time">The wall clock.</param>
public sealed class RememberedEvents(IEventRecorder recorder, TimeProvider time) : IEventRecorder
{
    /// <summary>How many are remembered: a page of the latest, some tens of kilobytes.</summary>
    public const int Capacity = 200;

    private readonly Lock gate = new();
    private readonly Queue<ChangeStatus> changes = new(Capacity);

    /// <summary>What was told, the latest first. What was merely repeated is not among it.</summary>
    public IReadOnlyList<ChangeStatus> Latest
    {
        get
        {
            lock (gate)
            {
                return [.. changes.Reverse()];
            }
        }
    }

    /// <inheritdoc/>
    public void Record(EventTarget target, EventSeverity severity, string reason, string message)
    {
        var change = new ChangeStatus
        {
            At = time.GetUtcNow(),
            Kind = target.Kind,
            Namespace = target.Key.Namespace.Length > 0 ? target.Key.Namespace : null,
            Name = target.Key.Name,
            Type = severity.ToString(),
            Reason = reason,
            Message = message,
        };
        lock (gate)
        {
            if (changes.Count == Capacity)
            {
                changes.Dequeue();
            }

            changes.Enqueue(change);
        }

        recorder.Record(target, severity, reason, message);
    }

    /// <inheritdoc/>
    public void Repeat(EventTarget target, EventSeverity severity, string reason, string message, TimeSpan age) =>
        recorder.Repeat(target, severity, reason, message, age);
}
