using LoadBalancer.Status;

namespace LoadBalancer.Controller.Assigning;

/// <summary>What is told at <c>/status</c>.</summary>
internal sealed partial class Assignments
{
    /// <summary>The Services that have an address or ask for one, with the reason why one does not have what it asks for.</summary>
    /// <param name="now">The time by the wall clock.</param>
    public IEnumerable<AssignmentStatus> Known(DateTimeOffset now)
    {
        foreach (var (key, record) in records)
        {
            var assignment = allocator.Find(IdOf(key));
            if (assignment is null && record.Reported is null)
            {
                continue; // another load balancer's
            }

            yield return new AssignmentStatus
            {
                Namespace = key.Namespace,
                Name = key.Name,
                Addresses = [.. (assignment?.Addresses ?? []).Select(static address => address.ToString())],
                Reason = record.Reported?.Reason.ToString(),
                Detail = record.Reported?.Text,
                Since = record.Reported is null ? null : now - time.GetElapsedTime(record.ReportedSince),
                ContendedBy = record.Contention is { IsTold: true } contention ? contention.Writer : null,
            };
        }
    }
}
