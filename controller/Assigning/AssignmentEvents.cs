using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Assigning;

/// <summary>
/// What <c>kubectl describe service</c> shows of the assignment. The reasons are MetalLB's where it has them; the messages end in the
/// name of the <see cref="AllocationReason"/>, which the documentation explains.
/// </summary>
internal sealed class AssignmentEvents(IEventRecorder recorder)
{
    /// <summary>Event on a Service: another program keeps changing its status.</summary>
    public const string ContentionReason = "StatusContended";

    /// <summary>Tells a change that is in the status.</summary>
    public void Tell(ServiceResource service, Decision decision)
    {
        switch (decision)
        {
            case Decision.Set set:
                Record(service, EventSeverity.Normal, "IPAllocated", $"Assigned IP {set.Assignment}" + InPlaceOf(set));
                break;
            case Decision.Clear clear:
                Record(service, EventSeverity.Normal, "ClearAssignment", $"Cleared {List(clear.Previous)}: {clear.Cause}");
                break;
        }
    }

    /// <summary>Tells why the Service does not have what it asks for.</summary>
    public void Tell(ServiceResource service, Refusal refusal, Assignment? kept)
    {
        var (severity, reason, message) = Describe(service, refusal, kept);
        Record(service, severity, reason, message);
    }

    /// <summary>Tells that another program keeps changing the status, which therefore is put right with a delay.</summary>
    public void TellContention(ServiceResource service, StatusContention contention, Assignment? wanted) => Record(
        service, EventSeverity.Warning, ContentionReason, ContentionText.Began(service, contention.Writer, wanted));

    /// <summary>Tells that another program keeps changing the status still.</summary>
    public void RepeatContention(ServiceResource service, StatusContention contention, Assignment? wanted, TimeSpan age) => recorder.Repeat(
        EventTarget.For(service), EventSeverity.Warning, ContentionReason, ContentionText.Began(service, contention.Writer, wanted), age);

    /// <summary>Tells that the other program is quiet.</summary>
    public void TellContentionEnded(ServiceResource service, StatusContention contention, Assignment assignment) => Record(
        service, EventSeverity.Normal, "IPAllocated", ContentionText.Ended(contention.Writer, assignment));

    /// <summary>Tells that this is so still.</summary>
    public void Repeat(ServiceResource service, Refusal refusal, Assignment? kept, TimeSpan age)
    {
        var (severity, reason, message) = Describe(service, refusal, kept);
        recorder.Repeat(EventTarget.For(service), severity, reason, message, age);
    }

    private static (EventSeverity Severity, string Reason, string Message) Describe(ServiceResource service, Refusal refusal, Assignment? kept)
    {
        var keeps = kept is null ? "" : $" It keeps {kept} meanwhile.";
        return refusal.Reason == AllocationReason.SecondFamilyUnavailable
            ? (EventSeverity.Normal, "AdditionalAssignFailed", refusal.ToString())
            : refusal.Reason == AllocationReason.SharedWithOtherPods ? (EventSeverity.Warning, "SharedWithOtherPods", refusal.ToString())
            : refusal.IsInvalidRequest
                ? (EventSeverity.Warning, "LoadBalancerFailed", $"Invalid request of \"{service.Key}\": {refusal}{keeps}")
                : (EventSeverity.Warning, "AllocationFailed", $"Failed to allocate IP for \"{service.Key}\": {refusal}{keeps}");
    }

    private static string InPlaceOf(Decision.Set set)
    {
        var replaced = set.Previous.Except(set.Assignment.Addresses.Select(address => address.ToString())).ToArray();
        return (replaced.Length > 0 ? $" in place of {List(replaced)}" : "") + (set.Cause is null ? "" : $": {set.Cause}");
    }

    private static string List(IEnumerable<string> addresses) => $"[{string.Join(' ', addresses.Select(text => $"\"{text}\""))}]";

    private void Record(ServiceResource service, EventSeverity severity, string reason, string message) =>
        recorder.Record(EventTarget.For(service), severity, reason, message);
}
