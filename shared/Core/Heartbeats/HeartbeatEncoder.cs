using System.Buffers.Binary;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Heartbeats;

/// <summary>What differs from frame to frame.</summary>
/// <param name="Kind">The kind of message.</param>
/// <param name="Destination">Broadcast, or the peer's MAC.</param>
/// <param name="Source">The link's MAC.</param>
/// <param name="Boot">Names this run of the sender: random, not 0.</param>
/// <param name="Sequence">At least 1, larger in each frame of a run.</param>
/// <param name="HeardBoot">Heartbeat: the addressed peer's run as last heard, 0 if it is not heard. Hello: 0.</param>
/// <param name="HeardSequence">Heartbeat: the last sequence number heard of that run.</param>
/// <param name="ViewDigest">XOR of the name hashes of the peers heard on this link.</param>
/// <param name="ViewCount">Their number.</param>
/// <param name="Flags">The sender's state.</param>
/// <param name="GoodFor">For how long the sender counts as alive after this frame: 1 ms to 10 minutes.</param>
/// <param name="Losses">Heartbeat: how often the sender lost the addressed peer lately.</param>
/// <param name="ClaimDigest">Sums up all that the sender claims on the segment, see <c>ClaimSet.Digest</c>; 0 for nothing.</param>
/// <param name="Suspects">24 bits, one for each peer whose node the sender cannot reach although something of it goes on.</param>
/// <param name="Marks">How the message is meant.</param>
public readonly record struct HeartbeatHeader(
    HeartbeatKind Kind,
    MacAddress Destination,
    MacAddress Source,
    ulong Boot,
    ulong Sequence,
    ulong HeardBoot,
    ulong HeardSequence,
    ulong ViewDigest,
    int ViewCount,
    SpeakerState Flags,
    TimeSpan GoodFor,
    int Losses,
    ulong ClaimDigest = 0,
    uint Suspects = 0,
    HeartbeatMarks Marks = HeartbeatMarks.None);

/// <summary>Writes frames. Allocates nothing.</summary>
public static class HeartbeatEncoder
{
    /// <summary>Writes one signed frame.</summary>
    /// <param name="header">What differs from frame to frame.</param>
    /// <param name="identity">Who sends.</param>
    /// <param name="key">Signs.</param>
    /// <param name="frame">At least <see cref="HeartbeatLayout.MaxFrame"/> bytes.</param>
    /// <param name="trailer">What follows the identity: the claims of a message of that kind, words of peers in a hello or a heartbeat.</param>
    /// <returns>The frame's length.</returns>
    public static int Encode(
        in HeartbeatHeader header, HeartbeatIdentity identity, HeartbeatKey key, Span<byte> frame, ReadOnlySpan<byte> trailer = default)
    {
        var variable = identity.Encoded;
        var signed = HeartbeatLayout.EthernetHeader + HeartbeatLayout.FixedSize + variable.Length + trailer.Length;
        header.Destination.Write(frame);
        header.Source.Write(frame[MacAddress.Size..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], HeartbeatLayout.EtherType);

        var message = frame[HeartbeatLayout.EthernetHeader..];
        message[..HeartbeatLayout.FixedSize].Clear();
        BinaryPrimitives.WriteUInt32BigEndian(message[HeartbeatLayout.MagicAt..], HeartbeatLayout.Magic);
        message[HeartbeatLayout.VersionAt] = HeartbeatLayout.Version;
        message[HeartbeatLayout.KindAt] = (byte)header.Kind;
        var length = HeartbeatLayout.FixedSize + variable.Length + trailer.Length + HeartbeatLayout.SignatureSize;
        BinaryPrimitives.WriteUInt16BigEndian(message[HeartbeatLayout.LengthAt..], (ushort)length);
        BinaryPrimitives.WriteUInt64BigEndian(message[HeartbeatLayout.ClusterAt..], key.ClusterId);
        BinaryPrimitives.WriteUInt64BigEndian(message[HeartbeatLayout.BootAt..], header.Boot);
        BinaryPrimitives.WriteUInt64BigEndian(message[HeartbeatLayout.SequenceAt..], header.Sequence);
        BinaryPrimitives.WriteUInt64BigEndian(message[HeartbeatLayout.HeardBootAt..], header.HeardBoot);
        BinaryPrimitives.WriteUInt64BigEndian(message[HeartbeatLayout.HeardSequenceAt..], header.HeardSequence);
        BinaryPrimitives.WriteUInt64BigEndian(message[HeartbeatLayout.ViewDigestAt..], header.ViewDigest);
        BinaryPrimitives.WriteUInt16BigEndian(message[HeartbeatLayout.ViewCountAt..], (ushort)Math.Min(header.ViewCount, ushort.MaxValue));
        BinaryPrimitives.WriteUInt16BigEndian(message[HeartbeatLayout.FlagsAt..], (ushort)((ushort)header.Flags | (ushort)header.Marks));
        BinaryPrimitives.WriteUInt32BigEndian(message[HeartbeatLayout.GoodForAt..], (uint)header.GoodFor.TotalMilliseconds);
        message[HeartbeatLayout.NodeLengthAt] = (byte)identity.Node.Length;
        message[HeartbeatLayout.LinkLengthAt] = (byte)identity.Link.Length;
        message[HeartbeatLayout.PrefixesAt] = (byte)identity.Prefixes.Count;
        message[HeartbeatLayout.OtherPrefixesAt] = (byte)identity.OtherPrefixes.Count;
        message[HeartbeatLayout.LossesAt] = (byte)Math.Min(header.Losses, byte.MaxValue);
        message[HeartbeatLayout.SuspectsAt] = (byte)(header.Suspects >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(message[(HeartbeatLayout.SuspectsAt + 1)..], (ushort)header.Suspects);
        BinaryPrimitives.WriteUInt64BigEndian(message[HeartbeatLayout.ClaimDigestAt..], header.ClaimDigest);
        variable.CopyTo(message[HeartbeatLayout.FixedSize..]);
        trailer.CopyTo(message[(HeartbeatLayout.FixedSize + variable.Length)..]);

        // The Ethernet header is signed as well: nobody can lend a peer's frame another source address.
        key.Sign(frame[..signed], frame.Slice(signed, HeartbeatLayout.SignatureSize));
        return signed + HeartbeatLayout.SignatureSize;
    }
}
