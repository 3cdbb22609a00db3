using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Status;

/// <summary>What <c>kubectl lb status</c> answers; also its JSON. Within the version fields are added only.</summary>
internal sealed record StatusReport
{
    /// <summary>The version of the format.</summary>
    public string ApiVersion { get; init; } = "kubectl-lb.loadbalancer/v1";

    /// <summary>Always Status.</summary>
    public string Kind { get; init; } = "Status";

    /// <summary>What is wrong, the worst first.</summary>
    public required IReadOnlyList<Problem> Problems { get; init; }

    /// <summary>The pools.</summary>
    public required IReadOnlyList<PoolStatus> Pools { get; init; }

    /// <summary>The addresses of Services, by address.</summary>
    public required IReadOnlyList<AddressRow> Addresses { get; init; }

    /// <summary>The speakers.</summary>
    public required IReadOnlyList<SpeakerRow> Speakers { get; init; }

    /// <summary>The controllers.</summary>
    public required IReadOnlyList<ControllerRow> Controllers { get; init; }
}

/// <summary>Something that is wrong.</summary>
/// <param name="Severity">error or warning.</param>
/// <param name="What">What is so, with the object's name.</param>
/// <param name="Remedy">What would help, or what to look at.</param>
internal sealed record Problem(string Severity, string What, string Remedy)
{
    /// <summary>Requests fail, or will.</summary>
    public static Problem Error(string what, string remedy) => new("error", what, remedy);

    /// <summary>To be looked at.</summary>
    public static Problem Warning(string what, string remedy) => new("warning", what, remedy);
}

/// <summary>Where an address is.</summary>
internal enum AddressState
{
    /// <summary>One node announces it.</summary>
    Announced,

    /// <summary>Its owner's speaker is away, and another answers in its place.</summary>
    Represented,

    /// <summary>Nobody announces it, since nothing serves behind it.</summary>
    NoEndpoint,

    /// <summary>Nobody announces it, and somebody should.</summary>
    Nobody,

    /// <summary>Two nodes of one segment announce it.</summary>
    Split,

    /// <summary>A strange host uses it, too.</summary>
    Conflict,

    /// <summary>The speakers could not be asked.</summary>
    Unknown,
}

/// <summary>One address.</summary>
internal sealed record AddressRow
{
    /// <summary>The address.</summary>
    public required string Address { get; init; }

    /// <summary>Its pool; absent if that is not known.</summary>
    public string? Pool { get; init; }

    /// <summary>The Services that have it, as namespace/name.</summary>
    public required IReadOnlyList<string> Services { get; init; }

    /// <summary>What is so.</summary>
    public required string State { get; init; }

    /// <summary>The nodes that own it; more than one on several segments, or if it is split.</summary>
    public IReadOnlyList<string> Nodes { get; init; } = [];

    /// <summary>The link of the first of them.</summary>
    public string? Link { get; init; }

    /// <summary>The hardware address it is answered with there.</summary>
    public string? Mac { get; init; }

    /// <summary>Since when; absent if longer than the speaker runs.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Why it is not simply announced.</summary>
    public string? Detail { get; init; }
}

/// <summary>One speaker.</summary>
internal sealed record SpeakerRow
{
    /// <summary>The pod.</summary>
    public required string Pod { get; init; }

    /// <summary>Its node; absent if it did not answer.</summary>
    public string? Node { get; init; }

    /// <summary>Ready, or why not.</summary>
    public required string State { get; init; }

    /// <summary>Its version.</summary>
    public string? Version { get; init; }

    /// <summary>Its links.</summary>
    public IReadOnlyList<string> Links { get; init; } = [];

    /// <summary>process or kernel, whichever answers on its links.</summary>
    public string? Answering { get; init; }

    /// <summary>How many of the speakers that should do hear it.</summary>
    public int HeardBy { get; init; }

    /// <summary>How many speakers are on its segments.</summary>
    public int Peers { get; init; }

    /// <summary>How many addresses it owns.</summary>
    public int Owned { get; init; }

    /// <summary>When it last told of a change.</summary>
    public DateTimeOffset? LastChange { get; init; }
}

/// <summary>One controller.</summary>
internal sealed record ControllerRow
{
    /// <summary>The pod.</summary>
    public required string Pod { get; init; }

    /// <summary>leader, spare, or why it did not answer.</summary>
    public required string State { get; init; }

    /// <summary>Its version.</summary>
    public string? Version { get; init; }

    /// <summary>How many Services have an address or ask for one.</summary>
    public int Services { get; init; }

    /// <summary>How many of them wait.</summary>
    public int Waiting { get; init; }
}
