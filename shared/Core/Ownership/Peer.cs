using System.Buffers.Binary;
using System.Security.Cryptography;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <summary>What a membership remembers of one peer's interface.</summary>
internal sealed class Peer
{
    private byte[] identityBytes;
    private uint identityShape;
    private ulong seen;

    public Peer(in HeartbeatFrame frame)
    {
        identityBytes = frame.IdentityBytes.ToArray();
        identityShape = frame.IdentityShape;
        Identity = frame.ReadIdentity();
        NodeBytes = frame.Node.ToArray();
        LinkBytes = frame.Link.ToArray();
        NameHash = HashOf(NodeBytes);
    }

    /// <summary>The first 8 bytes of SHA256(name).</summary>
    public static ulong HashOf(ReadOnlySpan<byte> name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(name, hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash);
    }

    private Peer(Peer other)
    {
        identityBytes = other.identityBytes;
        identityShape = other.identityShape;
        seen = other.seen;
        Identity = other.Identity;
        NodeBytes = other.NodeBytes;
        LinkBytes = other.LinkBytes;
        NameHash = other.NameHash;
    }

    public byte[] NodeBytes { get; }

    public byte[] LinkBytes { get; }

    public ulong NameHash { get; }

    public HeartbeatIdentity Identity { get; private set; }

    public MacAddress Mac { get; set; }

    /// <summary>The hardware address by which the hosts of the segment know what it owns: that of its last frame when it answered.</summary>
    public MacAddress ServedAs { get; set; }

    /// <summary>The run that is believed; 0 while none was confirmed.</summary>
    public ulong Boot { get; set; }

    public ulong Sequence { get; set; }

    /// <summary>That of the last claims taken in.</summary>
    public ulong ClaimSequence { get; set; }

    /// <summary>Another run is believed only if it has heard one of our frames later than this.</summary>
    public ulong ConfirmAbove { get; set; }

    public bool Alive { get; set; }

    /// <summary>It waits for a heartbeat of ours.</summary>
    public bool AnswerDue { get; set; }

    public TimeSpan AliveSince { get; set; }

    public TimeSpan HeardAt { get; set; }

    public TimeSpan ExpiresAt { get; set; }

    public TimeSpan GoodFor { get; set; }

    /// <summary>The stalls of this process since it was last heard for which it was given the lost time back.</summary>
    public int StallsExcused { get; set; }

    /// <summary>Whether it was kept although it was due to be lost, in this silence, for its kernel to be asked.</summary>
    public bool LastChance { get; set; }

    public SpeakerState State { get; set; }

    public bool HearsUs { get; set; }

    /// <summary>The last of our sequence numbers it has heard.</summary>
    public ulong HeardOfUs { get; set; }

    /// <summary>The last of our sequence numbers before the heartbeat whose echo is waited for; and when that was sent, null while none is.</summary>
    public ulong Mark { get; set; }

    public TimeSpan? MarkedAt { get; set; }

    /// <summary>Whom it suspects, see <see cref="SegmentMembership.Suspects"/>.</summary>
    public uint Suspects { get; set; }

    /// <summary>When it last said that it hears nothing.</summary>
    public TimeSpan? SaidDeafAt { get; set; }

    /// <summary>Whether its link was found to be deaf.</summary>
    public bool Deaf { get; set; }

    /// <summary>How often it was lost lately.</summary>
    public int Losses { get; set; }

    /// <summary>How often it lost us lately, by its own account.</summary>
    public int LossesTold { get; set; }

    /// <summary>A run that has still to prove itself, and the frame to echo to it.</summary>
    public ulong PendingBoot { get; set; }

    public ulong PendingSequence { get; set; }

    public MacAddress PendingMac { get; set; }

    public TimeSpan PendingUntil { get; set; }

    /// <summary>What it claims; kept from its former run until the present one serves.</summary>
    public ClaimSet Claims { get; } = new();

    /// <summary>The digest of its claims as it last told.</summary>
    public ulong ClaimDigest { get; set; }

    /// <summary>While all its claims are on their way: those that came already.</summary>
    public HashSet<IpAddress>? Dump { get; set; }

    /// <summary>When its claims may be asked for again.</summary>
    public TimeSpan RequestAt { get; set; }

    /// <summary>How often they were asked for since they were last known.</summary>
    public int Requests { get; set; }

    /// <summary>How often it asked for our claims without a pause between.</summary>
    public int Dumps { get; set; }

    /// <summary>XOR of the name hashes of the peers it hears, as it last told.</summary>
    public ulong ViewDigest { get; set; }

    /// <summary>Whether its kernel was asked and did not answer, when it was given up: not that of a speaker that stays away from a living node.</summary>
    public bool AskedInVain { get; set; }

    /// <summary>It asked for our claims.</summary>
    public bool DumpDue { get; set; }

    public TimeSpan DumpAt { get; set; }

    /// <summary>Since when its speaker does not serve although the node lives.</summary>
    public TimeSpan? AwaySince { get; set; }

    /// <summary>Since when its kernel is being asked, because its speaker is silent.</summary>
    public TimeSpan? CheckedSince { get; set; }

    /// <summary>When its kernel was last asked.</summary>
    public TimeSpan? CheckedAt { get; set; }

    /// <summary>When its kernel last said something.</summary>
    public TimeSpan? KernelHeardAt { get; set; }

    /// <summary>When its kernel last answered a question: it does not only speak.</summary>
    public TimeSpan? KernelAnsweredAt { get; set; }

    /// <summary>Whether the silence is its own fault, should its kernel be silent too.</summary>
    public bool Blamed { get; set; }

    public bool GraceOver { get; set; }

    /// <summary>When a frame with its hardware address came in that is signed with a key this node does not accept.</summary>
    public TimeSpan? ForeignAt { get; set; }

    /// <summary>Whether another interface of its node has its address now.</summary>
    public bool Replaced { get; set; }

    /// <summary>Whether its present run was given up: what it claimed is free, and it may have taken what is others'.</summary>
    public bool Departed { get; set; }

    public TimeSpan ProbeAt { get; set; }

    public bool IsServing => Alive && (State & SpeakerState.Serving) != 0;

    public bool ClaimsKnown => !IsServing || Claims.Digest == ClaimDigest;

    public bool Is(in HeartbeatFrame frame) => frame.Node.SequenceEqual(NodeBytes) && frame.Link.SequenceEqual(LinkBytes);

    /// <summary>Whether this is the first copy of a message about claims that was overtaken by at most 64 others (a window as in RFC 4303 §3.4.3).</summary>
    public bool IsLate(in HeartbeatFrame frame) =>
        frame.Kind is HeartbeatKind.Claims or HeartbeatKind.ClaimRequest
        && Sequence - frame.Sequence < 64 && (seen >> (int)(Sequence - frame.Sequence) & 1) == 0;

    /// <summary>This number was heard.</summary>
    public void MarkSeen(ulong sequence) => seen |= 1UL << (int)(Sequence - sequence);

    /// <summary>This number, above all before, was heard.</summary>
    public void Advance(ulong sequence)
    {
        var by = sequence - Sequence;
        seen = (by < 64 ? seen << (int)by : 0) | 1;
        Sequence = sequence;
    }

    /// <summary>What is known of its run and when it was last heard, of a peer that is neither alive nor away: it has still to be heard on a link that was opened anew.</summary>
    public Peer Absent() => new(this)
    {
        Mac = Mac,
        ServedAs = ServedAs,
        Boot = Boot,
        Sequence = Sequence,
        ClaimSequence = ClaimSequence,
        ConfirmAbove = ConfirmAbove,
        State = State,
        HeardAt = HeardAt,
        GoodFor = GoodFor,
        Losses = Losses,
        LossesTold = LossesTold,
        Departed = true,
    };

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

    /// <summary>What the node claimed from an interface that this one replaces is its own still, unless it says by itself what is.</summary>
    public void Inherit(ClaimSet claims)
    {
        foreach (var claim in claims.All)
        {
            if (!IsServing && claim.Kind != ClaimKind.Deputy && Claims[claim.Vip] is null)
            {
                Claims.Set(claim);
            }
        }
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
