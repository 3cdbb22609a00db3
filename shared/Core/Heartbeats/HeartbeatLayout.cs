namespace LoadBalancer.Core.Heartbeats;

/// <summary>The kinds of message.</summary>
public enum HeartbeatKind : byte
{
    /// <summary>Broadcast: here is a speaker.</summary>
    Hello = 1,

    /// <summary>Unicast to one peer: alive, and whether that peer is heard.</summary>
    Heartbeat = 2,

    /// <summary>What the sender answers for, or no longer: broadcast when it changes, unicast to a peer that asked. See <see cref="ClaimCodec"/>.</summary>
    Claims = 3,

    /// <summary>Unicast to one peer: send me all you claim.</summary>
    ClaimRequest = 4,
}

/// <summary>What a speaker says about itself.</summary>
[Flags]
public enum SpeakerState : ushort
{
    /// <summary>Alive, not a candidate: it listens, or its stores are not complete.</summary>
    None = 0,

    /// <summary>It may own VIPs.</summary>
    Ready = 1,

    /// <summary>It is shutting down: take over now.</summary>
    Leaving = 2,

    /// <summary>It was lost lately and takes nothing while another can have it.</summary>
    Holding = 4,

    /// <summary>It answers for what it claims. Not yet, after a start: what it claimed in its former run is still its own.</summary>
    Serving = 8,

    /// <summary>Nothing has come in on the link for a while, not even answers to what it asked: peers that see the same of it may find it deaf.</summary>
    HearsNothing = 16,

    /// <summary>The kernel of some peer whose speaker is silent answers it: that node is not lost.</summary>
    Vouches = 32,
}

/// <summary>What a message says of how it is meant, beside <see cref="SpeakerState"/> in the same field. Versions that do not know them leave them out.</summary>
[Flags]
public enum HeartbeatMarks : ushort
{
    /// <summary>As versions sent it that knew only pairs.</summary>
    None = 0,

    /// <summary>The sender keeps close company with its neighbours in the ring only, and takes others' word for the rest: see <c>SegmentRing</c>.</summary>
    Rings = 64,

    /// <summary>A heartbeat of a series: the sender takes the receiver for a neighbour. Who only answers such a series does not say so, or both would go on for good.</summary>
    Close = 128,

    /// <summary>A hello that wants an answer of everybody: the sender was told of speakers that it never heard.</summary>
    Asks = 256,

    /// <summary>The sender claims more than it has broadcast by now, and goes on: who can wait need not ask for it.</summary>
    Tells = 512,
}

/// <summary>Offsets of the message, counted from the end of the 14-byte Ethernet header; all numbers big-endian. docs/protocol.md is the text to it.</summary>
public static class HeartbeatLayout
{
    /// <summary>IEEE 802 local experimental EtherType 1.</summary>
    public const ushort EtherType = 0x88B5;

    /// <summary>Destination, source, EtherType.</summary>
    public const int EthernetHeader = 14;

    /// <summary>The longest message: an Ethernet payload without jumbo frames.</summary>
    public const int MaxMessage = 1500;

    /// <summary>The longest frame.</summary>
    public const int MaxFrame = EthernetHeader + MaxMessage;

    /// <summary>"LBHB".</summary>
    public const uint Magic = 0x4C42_4842;

    /// <summary>The version spoken.</summary>
    public const byte Version = 1;

    /// <summary>The bytes of HMAC-SHA256 at the end of a message.</summary>
    public const int SignatureSize = 32;

    /// <summary>The longest node name, a DNS subdomain (RFC 1123).</summary>
    public const int MaxNodeName = 253;

    /// <summary>The longest interface name (IFNAMSIZ without the NUL).</summary>
    public const int MaxLinkName = 15;

    /// <summary>The most prefixes that are told of the link, and of the node's other links.</summary>
    public const int MaxPrefixes = 24;

    /// <summary>The fixed part's size.</summary>
    public const int FixedSize = 80;

    /// <summary>The shortest message: fixed part, one-letter node and link name, signature. Longer than Ethernet's 46 bytes: no padding needed.</summary>
    public const int MinMessage = FixedSize + 2 + SignatureSize;

    internal const int MagicAt = 0;
    internal const int VersionAt = 4;
    internal const int KindAt = 5;
    internal const int LengthAt = 6;
    internal const int ClusterAt = 8;
    internal const int BootAt = 16;
    internal const int SequenceAt = 24;
    internal const int HeardBootAt = 32;
    internal const int HeardSequenceAt = 40;
    internal const int ViewDigestAt = 48;
    internal const int ViewCountAt = 56;
    internal const int FlagsAt = 58;
    internal const int GoodForAt = 60;
    internal const int NodeLengthAt = 64;
    internal const int LinkLengthAt = 65;
    internal const int PrefixesAt = 66;
    internal const int OtherPrefixesAt = 67;
    internal const int LossesAt = 68;
    internal const int SuspectsAt = 69;
    internal const int ClaimDigestAt = 72;
}
