using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Assigning;

/// <summary>What is remembered about a Service between two looks at it, beside the addresses the allocator holds for it.</summary>
internal sealed class ServiceRecord(ServiceResource service)
{
    /// <summary>A Service deleted and made anew under its name is another one.</summary>
    public string Uid { get; } = service.Uid;

    /// <summary>Its place among those that wait.</summary>
    public ServiceAge Age { get; } = new(service.Created, service.Key);

    /// <summary>The last write, until the store shows a version that is newer than the one it was made from.</summary>
    public StatusWrite? Write { get; set; }

    /// <summary>A decision that was sent off and is told in an Event as soon as it is known to be in the status.</summary>
    public Decision? Untold { get; set; }

    /// <summary>What the last Event said cannot be had; the same is not said twice.</summary>
    public Refusal? Reported { get; set; }

    /// <summary>Since when <see cref="Reported"/> is so, by the clock's timestamp.</summary>
    public long ReportedSince { get; set; }

    /// <summary>When it was last said.</summary>
    public long LastTold { get; set; }

    /// <summary>The status when it was last looked at, or as our own write left it after that; null before.</summary>
    public IReadOnlyList<StatusEntry>? Seen { get; set; }

    /// <summary>Another program's changes of the status; null if there were none.</summary>
    public StatusContention? Contention { get; set; }

    /// <summary>Something changed while a write was under way: look again when it has ended.</summary>
    public bool LookAgain { get; set; }

    /// <summary>Whether a write is under way.</summary>
    public bool IsWriting => Write is { Outcome: StatusWriteOutcome.Pending };

    /// <summary>Whether its status shows what was written last, and what it had before is still kept for it.</summary>
    public bool IsSettling { get; set; }

    /// <summary>What a write whose end we do not know may have put, or may yet put, into the status.</summary>
    public IReadOnlyList<IpAddress> MayShow(ServiceResource seen) =>
        Write is { } write && write.IsFrom(seen) ? write.MayLand : [];

    /// <summary>What our own finished write put there, if the store does not show it yet; otherwise null.</summary>
    public IReadOnlyList<IpAddress>? Written(ServiceResource seen) =>
        Write is { Outcome: StatusWriteOutcome.Written } write && write.IsFrom(seen) ? write.Addresses : null;
}

/// <summary>Oldest first; the same age by namespace and name.</summary>
internal readonly record struct ServiceAge(DateTimeOffset Created, ObjectKey Key) : IComparable<ServiceAge>
{
    public int CompareTo(ServiceAge other)
    {
        var order = Created.CompareTo(other.Created);
        order = order != 0 ? order : string.CompareOrdinal(Key.Namespace, other.Key.Namespace);
        return order != 0 ? order : string.CompareOrdinal(Key.Name, other.Key.Name);
    }
}
