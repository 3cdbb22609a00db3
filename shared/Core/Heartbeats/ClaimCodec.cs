using System.Buffers.Binary;
using System.Text;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Heartbeats;

/// <summary>What a node says about its part in a VIP.</summary>
public enum ClaimKind : byte
{
    /// <summary>It no longer answers for it.</summary>
    Released = 0,

    /// <summary>It owns it: it answers and announces.</summary>
    Owner = 1,

    /// <summary>It still answers for it, and wants somebody else to take over.</summary>
    Yielding = 2,

    /// <summary>It answers with the owner's hardware address, whose speaker is away.</summary>
    Deputy = 3,
}

/// <summary>One node's statement about one VIP.</summary>
/// <param name="Vip">The address.</param>
/// <param name="Subject">The owner: the claiming node itself, or the node it is deputy for.</param>
/// <param name="Term">The owner's term: higher is later. At least 1.</param>
/// <param name="Kind">The statement.</param>
public readonly record struct Claim(IpAddress Vip, string Subject, ulong Term, ClaimKind Kind);

/// <summary>
/// The part of a claims message behind the sender's identity: flags, the subject's name, then the claims about it. Several VIPs share a
/// frame; docs/protocol.md is the text to it.
/// </summary>
public static class ClaimCodec
{
    /// <summary>The first frame of all that a node claims.</summary>
    public const byte First = 1;

    /// <summary>The last frame of all that a node claims: what was not in them it does not claim.</summary>
    public const byte Last = 2;

    internal const int HeaderSize = 4;
    internal const int EntryFixedSize = 10;

    // One claim about the longest name: without that much room nothing could ever be said.
    private const int LeastRoom = HeaderSize + HeartbeatLayout.MaxNodeName + EntryFixedSize + 16;

    /// <summary>The most bytes a claims message has room for behind an identity without prefixes; always enough for one claim.</summary>
    /// <param name="identity">The sender.</param>
    /// <param name="longest">The longest message that may be sent, in octets.</param>
    public static int Room(HeartbeatIdentity identity, int longest = HeartbeatLayout.MaxMessage) => Math.Max(
        LeastRoom, Math.Min(longest, HeartbeatLayout.MaxMessage) - HeartbeatLayout.FixedSize - HeartbeatLayout.SignatureSize - identity.Encoded.Length);

    /// <summary>Writes as many of the claims as fit; all must have the subject of the first.</summary>
    /// <param name="claims">What to write; empty only for a node that claims nothing at all.</param>
    /// <param name="subject">The subject of the claims.</param>
    /// <param name="flags"><see cref="First"/>, <see cref="Last"/>, both or none.</param>
    /// <param name="room">Where to, <see cref="Room"/> long.</param>
    /// <param name="written">The number of claims written.</param>
    /// <returns>The number of bytes written.</returns>
    public static int Write(ReadOnlySpan<Claim> claims, string subject, byte flags, Span<byte> room, out int written)
    {
        var at = HeaderSize + Encoding.ASCII.GetBytes(subject, room[HeaderSize..]);
        room[0] = flags;
        room[1] = (byte)subject.Length;
        written = 0;
        foreach (var claim in claims)
        {
            var size = EntryFixedSize + (claim.Vip.BitLength / 8);
            if (claim.Subject != subject || at + size > room.Length)
            {
                break;
            }

            room[at] = (byte)claim.Kind;
            room[at + 1] = (byte)claim.Vip.Family;
            BinaryPrimitives.WriteUInt64BigEndian(room[(at + 2)..], claim.Term);
            claim.Vip.WriteBytes(room[(at + EntryFixedSize)..]);
            at += size;
            written++;
        }

        BinaryPrimitives.WriteUInt16BigEndian(room[2..], (ushort)written);
        return at;
    }

    internal static bool IsWellFormed(ReadOnlySpan<byte> body)
    {
        if (body.Length < HeaderSize || body[0] > (First | Last) || body[1] is < 1 or > HeartbeatLayout.MaxNodeName)
        {
            return false;
        }

        int subject = body[1], count = BinaryPrimitives.ReadUInt16BigEndian(body[2..]);
        body = body[HeaderSize..];
        if (body.Length < subject || body[..subject].IndexOfAnyExceptInRange((byte)'!', (byte)'~') >= 0)
        {
            return false;
        }

        body = body[subject..];
        for (; count > 0; count--)
        {
            var size = EntrySize(body);
            if (size == 0 || body.Length < size || body[0] > (byte)ClaimKind.Deputy || BinaryPrimitives.ReadUInt64BigEndian(body[2..]) == 0)
            {
                return false;
            }

            body = body[size..];
        }

        return true;
    }

    internal static int EntrySize(ReadOnlySpan<byte> entry) =>
        entry.Length < EntryFixedSize ? 0
        : entry[1] switch { (byte)IpFamily.IPv4 => EntryFixedSize + 4, (byte)IpFamily.IPv6 => EntryFixedSize + 16, _ => 0 };
}

/// <summary>The claims of one frame; a view of the receive buffer, valid as long as that is.</summary>
public readonly ref struct ClaimMessage
{
    private readonly ReadOnlySpan<byte> body;

    internal ClaimMessage(ReadOnlySpan<byte> body) => this.body = body;

    /// <summary>Whether these are the first of all that the sender claims.</summary>
    public bool IsFirst => !body.IsEmpty && (body[0] & ClaimCodec.First) != 0;

    /// <summary>Whether these are the last of all that the sender claims.</summary>
    public bool IsLast => !body.IsEmpty && (body[0] & ClaimCodec.Last) != 0;

    /// <summary>The subject of all of them, in ASCII.</summary>
    public ReadOnlySpan<byte> Subject => body.IsEmpty ? default : body.Slice(ClaimCodec.HeaderSize, body[1]);

    /// <summary>The number of claims.</summary>
    public int Count => body.IsEmpty ? 0 : BinaryPrimitives.ReadUInt16BigEndian(body[2..]);

    /// <summary>Goes through the claims.</summary>
    /// <param name="subject">The decoded <see cref="Subject"/>.</param>
    public Enumerator Read(string subject) =>
        new(body.IsEmpty ? default : body[(ClaimCodec.HeaderSize + body[1])..], Count, subject);

    /// <summary>Reads one claim after another; allocates nothing.</summary>
    public ref struct Enumerator
    {
        private readonly string subject;
        private ReadOnlySpan<byte> rest;
        private int left;

        /// <summary>Itself, for <c>foreach</c>.</summary>
        public readonly Enumerator GetEnumerator() => this;

        internal Enumerator(ReadOnlySpan<byte> rest, int count, string subject)
        {
            this.rest = rest;
            this.subject = subject;
            left = count;
            Current = default;
        }

        /// <summary>The claim.</summary>
        public Claim Current { get; private set; }

        /// <summary>Goes to the next.</summary>
        public bool MoveNext()
        {
            if (left == 0)
            {
                return false;
            }

            left--;
            var size = ClaimCodec.EntrySize(rest);
            var vip = IpAddress.FromBytes(rest[ClaimCodec.EntryFixedSize..size]);
            Current = new Claim(vip, subject, BinaryPrimitives.ReadUInt64BigEndian(rest[2..]), (ClaimKind)rest[0]);
            rest = rest[size..];
            return true;
        }
    }
}
