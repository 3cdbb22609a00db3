using System.Buffers.Binary;
using System.Text;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Heartbeats;

/// <summary>A frame whose signature and structure were found right; a view of the receive buffer, valid as long as that is.</summary>
public readonly ref struct HeartbeatFrame
{
    /// <summary>The states this version knows.</summary>
    public const SpeakerState KnownFlags =
        SpeakerState.Ready | SpeakerState.Leaving | SpeakerState.Holding | SpeakerState.Serving | SpeakerState.HearsNothing | SpeakerState.Vouches;

    private readonly ReadOnlySpan<byte> message;

    internal HeartbeatFrame(MacAddress source, ReadOnlySpan<byte> message)
    {
        Source = source;
        this.message = message;
    }

    /// <summary>The sending link's MAC; never a group address.</summary>
    public MacAddress Source { get; }

    /// <summary>The kind of message.</summary>
    public HeartbeatKind Kind => (HeartbeatKind)message[HeartbeatLayout.KindAt];

    /// <summary>Names the sender's run; not 0.</summary>
    public ulong Boot => UInt64At(HeartbeatLayout.BootAt);

    /// <summary>Larger in each frame of a run; at least 1.</summary>
    public ulong Sequence => UInt64At(HeartbeatLayout.SequenceAt);

    /// <summary>The addressed peer's run as the sender last heard it; 0 if it does not hear it, and in a hello.</summary>
    public ulong HeardBoot => UInt64At(HeartbeatLayout.HeardBootAt);

    /// <summary>The last sequence number the sender heard of that run.</summary>
    public ulong HeardSequence => UInt64At(HeartbeatLayout.HeardSequenceAt);

    /// <summary>XOR of the name hashes of the peers the sender hears on this link.</summary>
    public ulong ViewDigest => UInt64At(HeartbeatLayout.ViewDigestAt);

    /// <summary>Their number.</summary>
    public int ViewCount => BinaryPrimitives.ReadUInt16BigEndian(message[HeartbeatLayout.ViewCountAt..]);

    /// <summary>The sender's state; unknown bits are left out.</summary>
    public SpeakerState Flags => (SpeakerState)BinaryPrimitives.ReadUInt16BigEndian(message[HeartbeatLayout.FlagsAt..])
        & KnownFlags;

    /// <summary>How the message is meant; unknown bits are left out.</summary>
    public HeartbeatMarks Marks => (HeartbeatMarks)BinaryPrimitives.ReadUInt16BigEndian(message[HeartbeatLayout.FlagsAt..])
        & (HeartbeatMarks.Rings | HeartbeatMarks.Close | HeartbeatMarks.Asks | HeartbeatMarks.Tells);

    /// <summary>For how long the sender counts as alive after this frame: 1 ms to 10 minutes.</summary>
    public TimeSpan GoodFor => TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt32BigEndian(message[HeartbeatLayout.GoodForAt..]));

    /// <summary>How often the sender lost the addressed peer lately.</summary>
    public int Losses => message[HeartbeatLayout.LossesAt];

    /// <summary>A bit for each peer whose node the sender cannot reach although something of it goes on; see <c>SegmentMembership.Suspects</c>.</summary>
    public uint Suspects => BinaryPrimitives.ReadUInt32BigEndian(message[(HeartbeatLayout.SuspectsAt - 1)..]) & 0xFF_FFFF;

    /// <summary>Sums up all that the sender claims on the segment; 0 for nothing.</summary>
    public ulong ClaimDigest => UInt64At(HeartbeatLayout.ClaimDigestAt);

    /// <summary>The claims of a message of that kind; empty in others.</summary>
    public ClaimMessage Claims => Kind == HeartbeatKind.Claims ? new ClaimMessage(Trailer) : default;

    /// <summary>What the sender says of peers; none in messages of other kinds than hello and heartbeat.</summary>
    public PeerWords Words => Kind is HeartbeatKind.Hello or HeartbeatKind.Heartbeat ? new PeerWords(Trailer) : default;

    /// <summary>The sender's node name in ASCII.</summary>
    public ReadOnlySpan<byte> Node => message.Slice(HeartbeatLayout.FixedSize, message[HeartbeatLayout.NodeLengthAt]);

    /// <summary>The sending interface's name in ASCII.</summary>
    public ReadOnlySpan<byte> Link =>
        message.Slice(HeartbeatLayout.FixedSize + message[HeartbeatLayout.NodeLengthAt], message[HeartbeatLayout.LinkLengthAt]);

    /// <summary>The undecoded names and prefixes with their counts: equal bytes mean an equal <see cref="ReadIdentity"/>.</summary>
    public ReadOnlySpan<byte> IdentityBytes => message[HeartbeatLayout.FixedSize..TrailerAt];

    /// <summary>The four counts that belong to <see cref="IdentityBytes"/>.</summary>
    public uint IdentityShape => BinaryPrimitives.ReadUInt32BigEndian(message[HeartbeatLayout.NodeLengthAt..]);

    /// <summary>Decodes names and prefixes. Allocates: call it when <see cref="IdentityBytes"/> changed.</summary>
    public HeartbeatIdentity ReadIdentity()
    {
        var at = HeartbeatLayout.FixedSize + Node.Length + Link.Length;
        var prefixes = ReadPrefixes(ref at, message[HeartbeatLayout.PrefixesAt]);
        var others = ReadPrefixes(ref at, message[HeartbeatLayout.OtherPrefixesAt]);
        return new HeartbeatIdentity(Encoding.ASCII.GetString(Node), Encoding.ASCII.GetString(Link), prefixes, others);
    }

    private ReadOnlySpan<byte> Trailer => message[TrailerAt..^HeartbeatLayout.SignatureSize];

    private int TrailerAt
    {
        get
        {
            var at = HeartbeatLayout.FixedSize + Node.Length + Link.Length;
            for (var i = message[HeartbeatLayout.PrefixesAt] + message[HeartbeatLayout.OtherPrefixesAt]; i > 0; i--)
            {
                at += 2 + (message[at] == (byte)IpFamily.IPv4 ? 4 : 16);
            }

            return at;
        }
    }

    private IpPrefix[] ReadPrefixes(ref int at, int count)
    {
        var prefixes = new IpPrefix[count];
        for (var i = 0; i < count; i++)
        {
            var size = message[at] == (byte)IpFamily.IPv4 ? 4 : 16;
            prefixes[i] = new IpPrefix(IpAddress.FromBytes(message.Slice(at + 2, size)), message[at + 1]);
            at += 2 + size;
        }

        return prefixes;
    }

    private ulong UInt64At(int offset) => BinaryPrimitives.ReadUInt64BigEndian(message[offset..]);
}
