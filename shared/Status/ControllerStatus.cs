namespace LoadBalancer.Status;

/// <summary>What a controller tells at <c>/status</c>: the pools, who has which address and why somebody has none.</summary>
public sealed record ControllerStatus
{
    /// <summary><see cref="StatusJson.ApiVersion"/>.</summary>
    public string ApiVersion { get; init; } = StatusJson.ApiVersion;

    /// <summary><see cref="StatusJson.ControllerKind"/>.</summary>
    public string Kind { get; init; } = StatusJson.ControllerKind;

    /// <summary>The process.</summary>
    public required ProgramStatus Program { get; init; }

    /// <summary>This replica's name among the candidates.</summary>
    public required string Replica { get; init; }

    /// <summary>Whether this replica gives out the addresses.</summary>
    public required bool Leading { get; init; }

    /// <summary>The replica that does, as far as this one knows; empty for nobody.</summary>
    public required string Leader { get; init; }

    /// <summary>Whether what it knows from the API server is what that has now: its watches work.</summary>
    public required bool Current { get; init; }

    /// <summary>The pools' source.</summary>
    public required ConfigurationStatus Configuration { get; init; }

    /// <summary>The class served; absent for the Services without one.</summary>
    public string? LoadBalancerClass { get; init; }

    /// <summary>The pools in the order they are tried.</summary>
    public IReadOnlyList<PoolStatus> Pools { get; init; } = [];

    /// <summary>
    /// The Services that have an address or ask for one. The leader tells what it decided; another replica what it would decide from the same
    /// objects.
    /// </summary>
    public IReadOnlyList<AssignmentStatus> Services { get; init; } = [];

    /// <summary>The addresses of the pools that are given to nobody who has not got them already.</summary>
    public IReadOnlyList<ExcludedStatus> Excluded { get; init; } = [];

    /// <summary>Pools that overlap the ranges the cluster uses for itself, in sentences.</summary>
    public IReadOnlyList<string> Overlaps { get; init; } = [];

    /// <summary>The addresses that Services have, ascending, and who announces each.</summary>
    public IReadOnlyList<AddressStatus> Addresses { get; init; } = [];

    /// <summary>The nodes and their speakers, by name.</summary>
    public IReadOnlyList<NodeStatus> Nodes { get; init; } = [];

    /// <summary>What is wrong as far as it can be seen from here, what is worst first.</summary>
    public IReadOnlyList<ProblemStatus> Problems { get; init; } = [];

    /// <summary>What it told last, the latest first.</summary>
    public IReadOnlyList<ChangeStatus> Changes { get; init; } = [];

    /// <summary>What it saw change, the latest first: addresses given and taken, who announces them, speakers that came and went.</summary>
    public IReadOnlyList<ChangeStatus> History { get; init; } = [];
}

/// <summary>One pool.</summary>
public sealed record PoolStatus
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its addresses as ranges <c>first-last</c>, ascending.</summary>
    public required IReadOnlyList<string> Ranges { get; init; }

    /// <summary>The part of them that is given only to who asks for the address.</summary>
    public IReadOnlyList<string> Reserved { get; init; } = [];

    /// <summary>How many addresses may be given out, reserved ones included; approximate above 2^53.</summary>
    public required double Size { get; init; }

    /// <summary>Those at least one Service has.</summary>
    public required int InUse { get; init; }

    /// <summary>Whether a Service that asks for nothing gets one.</summary>
    public bool AutoAssign { get; init; }

    /// <summary>Whether addresses in .0 and .255 are left out.</summary>
    public bool AvoidBuggyIps { get; init; }

    /// <summary>Lower is tried first; absent is last.</summary>
    public int? Priority { get; init; }

    /// <summary>Whether it is for some namespaces or Services only.</summary>
    public bool Restricted { get; init; }

    /// <summary>The interfaces it is announced on; none for all that have the subnet.</summary>
    public IReadOnlyList<string> Interfaces { get; init; } = [];
}

/// <summary>One Service and its addresses.</summary>
public sealed record AssignmentStatus
{
    /// <summary>Its namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>What it has.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>Why it does not have what it asks for: the names of <c>AllocationReason</c>; absent if it has.</summary>
    public string? Reason { get; init; }

    /// <summary>The reason in a sentence.</summary>
    public string? Detail { get; init; }

    /// <summary>Since when that is so; absent if this replica does not know.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Another program that keeps changing its status.</summary>
    public string? ContendedBy { get; init; }
}

/// <summary>An address of a pool that is passed over.</summary>
public sealed record ExcludedStatus
{
    /// <summary>The address.</summary>
    public required string Address { get; init; }

    /// <summary>Its pool.</summary>
    public required string Pool { get; init; }

    /// <summary>NodeAddress, Gateway, NetworkAddress, BroadcastAddress or Quarantined.</summary>
    public required string Kind { get; init; }

    /// <summary>Whose it is: a node's name, or a stranger's hardware address.</summary>
    public required string Detail { get; init; }

    /// <summary>The reason in a sentence.</summary>
    public required string Reason { get; init; }
}
