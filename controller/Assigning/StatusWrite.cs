using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Assigning;

/// <summary>How a status write ended, as far as we can know.</summary>
internal enum StatusWriteOutcome
{
    /// <summary>It is under way.</summary>
    Pending,

    /// <summary>The server has it. Any earlier write with an older resourceVersion can no longer land.</summary>
    Written,

    /// <summary>The object was newer than what the write was made from. An attempt before the last may have landed all the same.</summary>
    Conflict,

    /// <summary>The Service is gone.</summary>
    Gone,

    /// <summary>Refused, unreachable or timed out: it may have landed, or may land yet.</summary>
    Failed,

    /// <summary>It never left: leadership was about to end, or the program is stopping.</summary>
    NotSent,
}

/// <summary>One write of a Service's addresses.</summary>
/// <param name="service">The Service as it was read; its resourceVersion guards the write.</param>
/// <param name="addresses">What the status is to show; none clears it.</param>
/// <param name="before">The write before this one, or null.</param>
internal sealed class StatusWrite(ServiceResource service, IReadOnlyList<IpAddress> addresses, StatusWrite? before)
{
    // A second attempt from the same version does not settle what became of the first.
    private readonly IReadOnlyList<IpAddress> ofEarlier = before is not null && before.IsFrom(service) ? before.MayLand : [];

    /// <summary>The Service as it was read.</summary>
    public ServiceResource Service { get; } = service;

    /// <summary>What the status is to show; none clears it.</summary>
    public IReadOnlyList<IpAddress> Addresses { get; } = addresses;

    /// <summary>Whether the status may show an address now that it does not show when this has landed.</summary>
    public bool GivesBack { get; init; }

    /// <summary>Where it stands.</summary>
    public StatusWriteOutcome Outcome { get; set; }

    /// <summary>What this write, or an earlier one from the same version, may have put into the status, or may put yet.</summary>
    public IReadOnlyList<IpAddress> MayLand => Outcome switch
    {
        StatusWriteOutcome.Written => [],
        StatusWriteOutcome.NotSent => ofEarlier,
        _ => ofEarlier.Count == 0 ? Addresses : [.. Addresses.Union(ofEarlier)],
    };

    /// <summary>Whether the write was made from this very version, so that the version shown does not tell what became of it.</summary>
    public bool IsFrom(ServiceResource seen) => Service.ResourceVersion == seen.ResourceVersion && Service.Uid == seen.Uid;
}
