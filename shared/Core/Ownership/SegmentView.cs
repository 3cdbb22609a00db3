using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <summary>How a member is known to be alive.</summary>
public enum MemberSource
{
    /// <summary>It is this node.</summary>
    Self,

    /// <summary>Its frames are heard on the link.</summary>
    Wire,

    /// <summary>Its frames were never heard; its Lease is renewed and names the same subnet.</summary>
    Lease,
}

/// <summary>One node alive on a segment, this one included. Immutable.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Link">Its interface on the segment.</param>
/// <param name="Source">How it is known.</param>
/// <param name="Prefixes">The addresses of that interface.</param>
/// <param name="OtherPrefixes">Those of its other links.</param>
/// <param name="Ready">Whether it may own VIPs.</param>
/// <param name="Leaving">Whether it is shutting down.</param>
/// <param name="Holding">Whether it holds back after it was lost.</param>
/// <param name="HearsUs">Whether it hears this node; false is one-way loss.</param>
public sealed record SegmentMember(
    string Node,
    string Link,
    MemberSource Source,
    IReadOnlyList<IpPrefix> Prefixes,
    IReadOnlyList<IpPrefix> OtherPrefixes,
    bool Ready,
    bool Leaving,
    bool Holding,
    bool HearsUs)
{
    /// <summary>Its interface's hardware address.</summary>
    public MacAddress Mac { get; init; }

    /// <summary>Which run of its speaker is heard; 0 for one known by its Lease.</summary>
    public ulong Run { get; init; }

    /// <summary>Whether it has another hardware address than when it last answered for what it claims: nobody was told yet.</summary>
    public bool Renamed { get; init; }

    /// <summary>Whether it answers for what it claims.</summary>
    public bool Serving { get; init; } = true;

    /// <summary>
    /// Whether its speaker is away while the node lives: starting, stopping, or silent with a kernel that answers. What it owns stays
    /// its own until <see cref="GraceOver"/>; somebody else answers with its hardware address.
    /// </summary>
    public bool Away { get; init; }

    /// <summary>Whether it has been away for longer than that is put up with.</summary>
    public bool GraceOver { get; init; }

    /// <summary>Whether it says that nothing comes in on its link, while this node is heard: it cannot know what others claim, and cannot serve either.</summary>
    public bool HearsNothing { get; init; }

    /// <summary>Whether it has said for a moment only that it does not hear this node: it may have had no frame yet, as anybody at first.</summary>
    public bool MayHearUsYet { get; init; }

    /// <summary>Whether it asks to be relieved only because its speaker hears nothing, while its node does; or heard nothing a moment ago.</summary>
    public bool YieldsBlindly { get; init; }

    /// <summary>Whether its link was found to be deaf: it sends, and neither its speaker nor its kernel hears. It can own nothing.</summary>
    public bool Deaf { get; init; }

    /// <summary>Of one known by its Lease only: whom it hears on the interface, by its own account.</summary>
    public IReadOnlyList<string> Hears { get; init; } = [];

    /// <summary>Whether it is in another part of the segment, or on another that has the same subnet: what it owns is nobody's here.</summary>
    public bool Apart { get; init; }

    /// <summary>Whether its interface on this segment has a subnet with the address.</summary>
    public bool Covers(IpAddress address) => Contain(Prefixes, address);

    /// <summary>Whether another of its links has, so that it would announce the address there and not here.</summary>
    public bool CoversElsewhere(IpAddress address) => Contain(OtherPrefixes, address);

    private static bool Contain(IReadOnlyList<IpPrefix> prefixes, IpAddress address)
    {
        // Indexed: this runs for each VIP and candidate, and enumerating the interface allocates.
        for (var i = 0; i < prefixes.Count; i++)
        {
            if (prefixes[i].Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>Who is alive on one segment. Immutable.</summary>
/// <param name="Self">This node.</param>
/// <param name="Peers">The others; a node with two interfaces on the segment appears twice.</param>
/// <param name="MayAct">Whether the peers have had the time to hear that this node is ready, so that it may take what is its.</param>
public sealed record SegmentView(SegmentMember Self, IReadOnlyList<SegmentMember> Peers, bool MayAct)
{
    /// <summary>Whether this node has listened and knows what the others claim, so that it may go on with what is its own already.</summary>
    public bool MayServe { get; init; } = MayAct;

    /// <summary>Whether this node hears more than half of the nodes it knows on the segment, itself counted.</summary>
    public bool Majority { get; init; } = true;

    /// <summary>This node's other interfaces on the segment.</summary>
    public IReadOnlyList<SegmentMember> Siblings { get; init; } = [];

    /// <summary>How often a part of the segment came back that had been cut off, and may have answered differently meanwhile.</summary>
    public int Reunions { get; init; }

    /// <summary>
    /// Whether this node's link hears nothing any more, not even a witness that answered a moment ago: it asks to be relieved of what it
    /// owns, and announces nothing.
    /// </summary>
    public bool StandsDown { get; init; }

    /// <summary>What the peers claim.</summary>
    public ClaimView Claims { get; init; } = ClaimView.Empty;

    /// <summary>Whether the other view says the same, but for claims: who decided by that one need not decide by this one.</summary>
    public bool SaysTheSame(SegmentView other) =>
        this with { Peers = other.Peers, Siblings = other.Siblings, Claims = other.Claims } == other && Peers.SequenceEqual(other.Peers) && Siblings.SequenceEqual(other.Siblings);
}
