using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Ownership;

/// <summary>
/// What ownership needs to know of one VIP. Services that share the address are one VIP, so that it is announced from one node.
/// Immutable.
/// </summary>
public sealed record VipFacts
{
    /// <summary>The address.</summary>
    public required IpAddress Address { get; init; }

    /// <summary>The address whose order decides: the first of the Service's addresses, so that a dual-stack pair stays together.</summary>
    public required IpAddress ElectionAddress { get; init; }

    /// <summary>The pool it comes from: its node selectors and interfaces limit who may own it and where.</summary>
    public required Pool Pool { get; init; }

    /// <summary>Whether any endpoint serves.</summary>
    public bool Served { get; init; }

    /// <summary>For <c>externalTrafficPolicy: Local</c> the nodes with a serving endpoint; null if any node can take the traffic.</summary>
    public IReadOnlySet<string>? ServingNodes { get; init; }

    /// <summary>Whether no node has a serving endpoint of every Service with that policy: on each, somebody's requests are lost.</summary>
    public bool SharersApart { get; init; }
}

/// <summary>What the API server says of a node. A node it says nothing of is taken as fit and without labels.</summary>
/// <param name="Excluded">Carries <c>node.kubernetes.io/exclude-from-external-load-balancers</c>.</param>
/// <param name="NetworkUnavailable">The condition of that name is True.</param>
/// <param name="Ready">The condition Ready is not False or Unknown.</param>
/// <param name="Labels">Its labels.</param>
public sealed record NodeFacts(bool Excluded, bool NetworkUnavailable, bool Ready, IReadOnlyDictionary<string, string> Labels)
{
    /// <summary>A node the API server says nothing of.</summary>
    public static NodeFacts Unknown { get; } =
        new(false, false, true, System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty);
}

/// <summary>Why a node alive on a segment may not own a VIP there. In the order of the checks.</summary>
public enum Ineligible
{
    /// <summary>It may.</summary>
    None,

    /// <summary>Its speaker is not ready: it listens after a start, or waits for the API server.</summary>
    SpeakerNotReady,

    /// <summary>Its speaker is shutting down.</summary>
    Leaving,

    /// <summary>Its link sends and does not hear.</summary>
    CannotHear,

    /// <summary>The node carries <c>node.kubernetes.io/exclude-from-external-load-balancers</c>.</summary>
    NodeExcluded,

    /// <summary>The node's condition NetworkUnavailable is True.</summary>
    NetworkUnavailable,

    /// <summary>The pool's node selectors do not match it.</summary>
    NodeSelector,

    /// <summary>The pool names interfaces, and not this one.</summary>
    Interface,

    /// <summary>The pool names no interface, and another of the node's has the subnet: it announces there.</summary>
    OtherSubnet,

    /// <summary>The traffic policy is Local and it has no serving endpoint.</summary>
    NoLocalEndpoint,
}

/// <summary>Whether a VIP may be on an interface of a node.</summary>
/// <param name="Node">The node.</param>
/// <param name="Link">Its interface on the segment.</param>
/// <param name="Why">Why not, or None.</param>
public readonly record struct LinkVerdict(string Node, string Link, Ineligible Why);

/// <summary>Why nobody owns a VIP.</summary>
public enum NoOwner
{
    /// <summary>Somebody does.</summary>
    None,

    /// <summary>No endpoint of its Services serves.</summary>
    NoServingEndpoint,

    /// <summary>No node alive on the segment may own it.</summary>
    NoEligibleNode,
}

/// <summary>Who owns a VIP on a segment.</summary>
/// <param name="Owner">The node, or null.</param>
/// <param name="Reason">Why nobody.</param>
/// <param name="Self">Whether and why not this node could.</param>
public readonly record struct OwnerDecision(string? Owner, NoOwner Reason, Ineligible Self)
{
    /// <summary>The node whose claim counts, fit or not: it, or its deputy, answers for the VIP now. Null if nobody claims it.</summary>
    public string? Incumbent { get; init; }

    /// <summary>The incumbent's term; 0 without one.</summary>
    public ulong Term { get; init; }

    /// <summary>The highest term that any node claims; 0 for none.</summary>
    public ulong HighestTerm { get; init; }

    /// <summary>Whether the owner, another node, says itself that it answers.</summary>
    public bool Claimed { get; init; }

    /// <summary>Whether the owner's speaker is away: its deputy answers for it.</summary>
    public bool OwnerAway { get; init; }

    /// <summary>Who answers for an owner that is away; null if nobody can.</summary>
    public string? Deputy { get; init; }

    /// <summary>Whether the deputy, another node, says that it answers.</summary>
    public bool DeputyClaimed { get; init; }

    /// <summary>The owner's hardware address, if it is another node of the segment.</summary>
    public MacAddress OwnerMac { get; init; }

    /// <summary>Whether the owner is another node that cannot be heard: it never claims anything.</summary>
    public bool Unheard { get; init; }

    /// <summary>Whether the owner of before is there and claims nothing: it has given way to somebody this node may not know yet.</summary>
    public bool FormerGaveWay { get; init; }

    /// <summary>Whether the node that this one doubts still claims the VIP.</summary>
    public bool DoubtedClaims { get; init; }

    /// <summary>Whether the owner keeps the VIP although it is not fit by the facts of this node: its claim is newer than they are.</summary>
    public bool Disputed { get; init; }

    /// <summary>Whether another node claims to own what this node owns, and loses.</summary>
    public bool Rival { get; init; }
}
