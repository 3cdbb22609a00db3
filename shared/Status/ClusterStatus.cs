namespace LoadBalancer.Status;

/// <summary>A node and its speaker, as the API server's objects tell of them.</summary>
public sealed record NodeStatus
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Whether its condition Ready is True.</summary>
    public required bool Ready { get; init; }

    /// <summary>Whether it carries the label that keeps nodes from being used for load balancers.</summary>
    public bool Excluded { get; init; }

    /// <summary>Whether it runs Windows: no speaker is wanted there.</summary>
    public bool IsWindows { get; init; }

    /// <summary>
    /// Alive: its speaker renews its Lease; Silent: it does not, which says nothing of what it answers on the wire; Stopped: it released its Lease;
    /// None: there is no Lease.
    /// </summary>
    public required string Speaker { get; init; }

    /// <summary>The speaker's version; absent if it does not tell.</summary>
    public string? Version { get; init; }

    /// <summary>Since when the speaker has had its Lease, by the node's wall clock.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Whether the speaker may own addresses.</summary>
    public bool MayOwn { get; init; }

    /// <summary>Its links that have a carrier.</summary>
    public IReadOnlyList<NodeLinkStatus> Links { get; init; } = [];

    /// <summary>How many addresses its speaker says it answers for.</summary>
    public int Announces { get; init; }

    /// <summary>How many of them its Lease had no room to name; they are in no <see cref="AddressStatus.Voices"/>.</summary>
    public int Untold { get; init; }
}

/// <summary>A link of a node, as its speaker's Lease tells of it.</summary>
public sealed record NodeLinkStatus
{
    /// <summary>The interface.</summary>
    public required string Name { get; init; }

    /// <summary>Its addresses with the length of their subnets.</summary>
    public IReadOnlyList<string> Prefixes { get; init; } = [];

    /// <summary>The nodes whose speakers are heard here, and hear this one.</summary>
    public IReadOnlyList<string> Hears { get; init; } = [];

    /// <summary>The nodes in the same subnet with a living speaker that are not among them.</summary>
    public IReadOnlyList<string> Misses { get; init; } = [];
}

/// <summary>An address of a Service, and who announces it.</summary>
public sealed record AddressStatus
{
    /// <summary>The address.</summary>
    public required string Address { get; init; }

    /// <summary>Its pool; absent if it is in none.</summary>
    public string? Pool { get; init; }

    /// <summary>The Services that have it, as namespace/name.</summary>
    public IReadOnlyList<string> Services { get; init; } = [];

    /// <summary>
    /// Announced; Represented: another node answers while the owner's speaker is away; Conflict: a strange host uses it, too; Split: two nodes
    /// announce it in one subnet for more than five seconds; NoEndpoint: nobody does, since no endpoint serves; Nobody: nobody does; Unknown.
    /// </summary>
    public required string State { get; init; }

    /// <summary>The nodes that answer for it, the latest first.</summary>
    public IReadOnlyList<VoiceStatus> Voices { get; init; } = [];

    /// <summary>The state in a sentence, where there is more to say.</summary>
    public string? Detail { get; init; }
}

/// <summary>A node that answers for an address.</summary>
public sealed record VoiceStatus
{
    /// <summary>The node.</summary>
    public required string Node { get; init; }

    /// <summary>Its link.</summary>
    public required string Link { get; init; }

    /// <summary>Since when, in whole seconds by that node's wall clock; since its speaker's start at the longest.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>The node in whose place it answers.</summary>
    public string? For { get; init; }
}

/// <summary>Something that is wrong.</summary>
public sealed record ProblemStatus
{
    /// <summary>error: traffic is lost, or a Service has not what it asks for; warning: it may come to that.</summary>
    public required string Severity { get; init; }

    /// <summary>What is wrong, in a sentence.</summary>
    public required string What { get; init; }

    /// <summary>What to do about it.</summary>
    public required string Remedy { get; init; }
}
