using System.Buffers.Binary;
using System.Security.Cryptography;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <summary>What a membership remembers of one peer's interface. Its state is changed by <see cref="SegmentMembership"/> in one place only.</summary>
internal sealed class Peer
{
    private byte[] identityBytes;
    private uint identityShape;

    /// <summary>A peer of which nothing was believed yet.</summary>
    /// <param name="frame">The first that was heard of it.</param>
    /// <param name="confirmAbove">See <see cref="PeerRun"/>.</param>
    public Peer(in HeartbeatFrame frame, ulong confirmAbove)
    {
        identityBytes = frame.IdentityBytes.ToArray();
        identityShape = frame.IdentityShape;
        Identity = frame.ReadIdentity();
        NodeBytes = frame.Node.ToArray();
        LinkBytes = frame.Link.ToArray();
        NameHash = HashOf(NodeBytes);
        Id = SegmentRing.PlaceOf(NodeBytes, LinkBytes);
        Run = new PeerRun(confirmAbove);
    }

    /// <summary>
    /// What is known of its run and when it was last heard, of a peer that is neither alive nor away: it has still to be heard on a link
    /// that was opened anew.
    /// </summary>
    public Peer(Peer former)
    {
        identityBytes = former.identityBytes;
        identityShape = former.identityShape;
        Identity = former.Identity;
        NodeBytes = former.NodeBytes;
        LinkBytes = former.LinkBytes;
        NameHash = former.NameHash;
        Id = former.Id;
        Rings = former.Rings;
        Run = new PeerRun(former.Run);
        Mac = former.Mac;
        ServedAs = former.ServedAs;
        Flags = former.Flags;
        HeardAt = former.HeardAt;
        ToldGoodFor = former.ToldGoodFor;
        GoodFor = former.GoodFor;
        Losses = former.Losses;
        LossesTold = former.LossesTold;
        State = PeerState.Gone;
        Claims.Remember(former.Claims);
    }

    public byte[] NodeBytes { get; }

    public byte[] LinkBytes { get; }

    public ulong NameHash { get; }

    /// <summary>Names it in what peers say of each other, and is its place in the ring.</summary>
    public ulong Id { get; }

    public HeartbeatIdentity Identity { get; private set; }

    public MacAddress Mac { get; set; }

    /// <summary>The hardware address by which the hosts of the segment know what it owns: that of its last frame when it answered.</summary>
    public MacAddress ServedAs { get; set; }

    /// <summary>What it says of itself.</summary>
    public SpeakerState Flags { get; set; }

    public PeerState State { get; set; }

    /// <summary>Whether its last frame is still good.</summary>
    public bool OnWire { get; set; }

    /// <summary>Since when it is <see cref="PeerState.Away"/>; null otherwise.</summary>
    public TimeSpan? AwaySince { get; set; }

    /// <summary>Whether it has been away for longer than the grace, at the last look.</summary>
    public bool GraceOver { get; set; }

    /// <summary>Whether its link was found to be deaf.</summary>
    public bool Deaf { get; set; }

    /// <summary>Whether it has said for a moment only that it does not hear this node: it may have had no frame of it yet.</summary>
    public bool MayHearUsYet { get; set; }

    /// <summary>Whether another interface of its node has its address now.</summary>
    public bool Replaced { get; set; }

    public PeerRun Run { get; }

    public KernelCheck Kernel { get; } = new();

    public PeerEcho Echo { get; } = new();

    public PeerClaims Claims { get; } = new();

    public PeerRumor Rumor { get; } = new();

    /// <summary>Whether it keeps company with its neighbours only; one of a version before that does with everybody.</summary>
    public bool Rings { get; set; }

    /// <summary>Whether it and this node exchange heartbeats in close series and judge each other by them. Of the others, others' word is taken.</summary>
    public bool Near { get; set; } = true;

    /// <summary>Since when it is <see cref="Near"/>.</summary>
    public TimeSpan NearSince { get; set; }

    /// <summary>Until when it gets heartbeats in a close series because it sends them, for whatever reason it has.</summary>
    public TimeSpan CourtedUntil { get; set; }

    /// <summary>When a neighbour that this node misses was last heard by somebody else.</summary>
    public TimeSpan VouchedAt { get; set; } = TimeSpan.MinValue;

    /// <summary>When this node last said that it hears it, to those that do not.</summary>
    public TimeSpan ContradictedAt { get; set; } = TimeSpan.MinValue;

    /// <summary>What this node has said of it in this silence.</summary>
    public WordKind? Said { get; set; }

    public TimeSpan SaidAt { get; set; }

    /// <summary>Others hear it: it is to be asked itself, by a heartbeat.</summary>
    public bool IsInquired { get; set; }

    /// <summary>When it may next be asked so.</summary>
    public TimeSpan InquireAt { get; set; }

    /// <summary>Since when it is on the wire without a break.</summary>
    public TimeSpan OnWireSince { get; set; }

    public TimeSpan HeardAt { get; set; }

    public TimeSpan ExpiresAt { get; set; }

    /// <summary>For how long it said that its last frame is good.</summary>
    public TimeSpan ToldGoodFor { get; set; }

    /// <summary>For how long its last frame is good: longer than told if it is not <see cref="Near"/>.</summary>
    public TimeSpan GoodFor { get; set; }

    /// <summary>The stalls of this process since it was last heard for which it was given the lost time back.</summary>
    public int StallsExcused { get; set; }

    /// <summary>How often it was lost lately.</summary>
    public int Losses { get; set; }

    /// <summary>How often it lost us lately, by its own account.</summary>
    public int LossesTold { get; set; }

    /// <summary>Whether the silence is its own fault, should its kernel be silent too.</summary>
    public bool Blamed { get; set; }

    /// <summary>It waits for a heartbeat of ours.</summary>
    public bool AnswerDue { get; set; }

    /// <summary>When it is sent the next heartbeat although it is lost.</summary>
    public TimeSpan ProbeAt { get; set; }

    /// <summary>When a frame with its hardware address came in that is signed with a key this node does not accept.</summary>
    public TimeSpan? ForeignAt { get; set; }

    /// <summary>Whether a run of it was ever believed.</summary>
    public bool IsKnown => Run.Boot != 0;

    /// <summary>Whether it is there: what it claims counts.</summary>
    public bool IsHere => State is PeerState.Alive or PeerState.Silent or PeerState.Away;

    public bool IsAway => State == PeerState.Away;

    public bool IsServing => OnWire && Says(SpeakerState.Serving);

    /// <summary>Whether it goes on to broadcast what it claims.</summary>
    public bool Tells { get; set; }

    public bool ClaimsKnown => !IsServing || Claims.AreKnown;

    /// <summary>The first 8 bytes of SHA256(name).</summary>
    public static ulong HashOf(ReadOnlySpan<byte> name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(name, hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash);
    }

    /// <summary>Whether it says that of itself.</summary>
    public bool Says(SpeakerState flag) => (Flags & flag) != 0;

    public bool Is(in HeartbeatFrame frame) => frame.Node.SequenceEqual(NodeBytes) && frame.Link.SequenceEqual(LinkBytes);

    /// <summary>
    /// The address its node's kernel is asked for: one of the interface, or of an interface without any, an IPv4 one of the node's others, for
    /// which Linux answers on each interface unless <c>arp_ignore</c> says otherwise. Null if there is none.
    /// </summary>
    public IpAddress? KernelAddress
    {
        get
        {
            if (Identity.Prefixes.Count > 0)
            {
                return Identity.Prefixes[0].Address;
            }

            for (var i = 0; i < Identity.OtherPrefixes.Count; i++)
            {
                if (Identity.OtherPrefixes[i].Address is { Family: IpFamily.IPv4 } other)
                {
                    return other;
                }
            }

            return null;
        }
    }

    /// <summary>Whether the interface has the address.</summary>
    public bool Has(IpAddress address)
    {
        for (var i = 0; i < Identity.Prefixes.Count; i++)
        {
            if (Identity.Prefixes[i].Address == address)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes over changed prefixes.</summary>
    /// <returns>Whether they changed.</returns>
    public bool UpdateIdentity(in HeartbeatFrame frame)
    {
        if (identityShape == frame.IdentityShape && frame.IdentityBytes.SequenceEqual(identityBytes))
        {
            return false;
        }

        identityBytes = frame.IdentityBytes.ToArray();
        identityShape = frame.IdentityShape;
        Identity = frame.ReadIdentity();
        return true;
    }
}
