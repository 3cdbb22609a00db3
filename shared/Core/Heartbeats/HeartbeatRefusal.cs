namespace LoadBalancer.Core.Heartbeats;

/// <summary>Why a received frame of the heartbeat protocol was not believed. In the order of the checks: cheap first, signature before meaning.</summary>
public enum HeartbeatRefusal
{
    /// <summary>It was believed.</summary>
    None,

    /// <summary>Shorter than its headers or than the length it states.</summary>
    Truncated,

    /// <summary>Another EtherType.</summary>
    NotHeartbeat,

    /// <summary>Neither broadcast nor addressed to this link.</summary>
    NotForUs,

    /// <summary>Another protocol on the same local experimental EtherType.</summary>
    BadMagic,

    /// <summary>A version of the protocol this program does not speak.</summary>
    UnknownVersion,

    /// <summary>A kind of message this program does not know.</summary>
    UnknownKind,

    /// <summary>The stated length is impossible.</summary>
    BadLength,

    /// <summary>Signed with the key of another cluster on the same segment, or with one this node no longer or not yet accepts.</summary>
    ForeignCluster,

    /// <summary>The cluster id fits, the signature does not: damaged or forged.</summary>
    BadSignature,

    /// <summary>Signed correctly, yet its contents contradict the format.</summary>
    Malformed,

    /// <summary>Sent by this very process: two links of the node are on one segment, or the segment has a loop.</summary>
    OwnFrame,

    /// <summary>Another machine uses this node's name.</summary>
    SameName,

    /// <summary>Its sequence number is not above the last one heard.</summary>
    Replayed,

    /// <summary>
    /// From a run of the peer that has not yet proved to be the present one, or from a lost peer that has not yet shown that it hears
    /// this node. Regular for the first frame after a start or a loss.
    /// </summary>
    Unconfirmed,

    /// <summary>The segment has more speakers than the membership takes.</summary>
    TooManyPeers,
}
