using System.Buffers.Binary;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Heartbeats;

/// <summary>
/// Reads frames. Costs a few comparisons for anything foreign: the signature is computed only for frames that name our cluster, and
/// nothing in a frame is believed before it was found right. Allocates nothing, throws nothing.
/// </summary>
public static class HeartbeatDecoder
{
    private const uint LongestGoodFor = 10 * 60 * 1000;

    /// <summary>Reads one frame, from the Ethernet destination on; bytes after the message are padding.</summary>
    /// <param name="bytes">What was received.</param>
    /// <param name="own">The receiving link's MAC.</param>
    /// <param name="keys">The keys in force.</param>
    /// <param name="frame">The frame if the result is <see cref="HeartbeatRefusal.None"/>.</param>
    public static HeartbeatRefusal Decode(ReadOnlySpan<byte> bytes, MacAddress own, HeartbeatKeys keys, out HeartbeatFrame frame)
    {
        frame = default;
        var refusal = CheckEnvelope(bytes, own, out var length);
        if (refusal != HeartbeatRefusal.None)
        {
            return refusal;
        }

        var message = bytes.Slice(HeartbeatLayout.EthernetHeader, length);
        if (keys.Find(BinaryPrimitives.ReadUInt64BigEndian(message[HeartbeatLayout.ClusterAt..])) is not { } key)
        {
            return HeartbeatRefusal.ForeignCluster;
        }

        var signed = bytes[..(HeartbeatLayout.EthernetHeader + length - HeartbeatLayout.SignatureSize)];
        if (!key.Verify(signed, message[^HeartbeatLayout.SignatureSize..]))
        {
            return HeartbeatRefusal.BadSignature;
        }

        var source = MacAddress.Read(bytes[MacAddress.Size..]);
        if (source.IsGroup || !IsWellFormed(message))
        {
            return HeartbeatRefusal.Malformed;
        }

        frame = new HeartbeatFrame(source, message);
        return HeartbeatRefusal.None;
    }

    private static HeartbeatRefusal CheckEnvelope(ReadOnlySpan<byte> bytes, MacAddress own, out int length)
    {
        length = 0;
        if (bytes.Length < HeartbeatLayout.EthernetHeader)
        {
            return HeartbeatRefusal.Truncated;
        }

        if (BinaryPrimitives.ReadUInt16BigEndian(bytes[12..]) != HeartbeatLayout.EtherType)
        {
            return HeartbeatRefusal.NotHeartbeat;
        }

        var destination = MacAddress.Read(bytes);
        if (destination != own && destination != MacAddress.Broadcast)
        {
            return HeartbeatRefusal.NotForUs;
        }

        var message = bytes[HeartbeatLayout.EthernetHeader..];
        if (message.Length < HeartbeatLayout.MinMessage)
        {
            return HeartbeatRefusal.Truncated;
        }

        if (BinaryPrimitives.ReadUInt32BigEndian(message) != HeartbeatLayout.Magic)
        {
            return HeartbeatRefusal.BadMagic;
        }

        if (message[HeartbeatLayout.VersionAt] != HeartbeatLayout.Version)
        {
            return HeartbeatRefusal.UnknownVersion;
        }

        if (message[HeartbeatLayout.KindAt] is < (byte)HeartbeatKind.Hello or > (byte)HeartbeatKind.ClaimRequest)
        {
            return HeartbeatRefusal.UnknownKind;
        }

        length = BinaryPrimitives.ReadUInt16BigEndian(message[HeartbeatLayout.LengthAt..]);
        return length is < HeartbeatLayout.MinMessage or > HeartbeatLayout.MaxMessage ? HeartbeatRefusal.BadLength
            : message.Length < length ? HeartbeatRefusal.Truncated
            : HeartbeatRefusal.None;
    }

    private static bool IsWellFormed(ReadOnlySpan<byte> message)
    {
        int node = message[HeartbeatLayout.NodeLengthAt], link = message[HeartbeatLayout.LinkLengthAt];
        int prefixes = message[HeartbeatLayout.PrefixesAt], others = message[HeartbeatLayout.OtherPrefixesAt];
        var body = message[HeartbeatLayout.FixedSize..^HeartbeatLayout.SignatureSize];
        return node is >= 1 and <= HeartbeatLayout.MaxNodeName
            && link is >= 1 and <= HeartbeatLayout.MaxLinkName
            && prefixes <= HeartbeatLayout.MaxPrefixes && others <= HeartbeatLayout.MaxPrefixes
            && node + link <= body.Length
            && body[..(node + link)].IndexOfAnyExceptInRange((byte)'!', (byte)'~') < 0
            && ArePrefixes(body[(node + link)..], prefixes + others, out var trailer)
            && (message[HeartbeatLayout.KindAt] != (byte)HeartbeatKind.Claims || ClaimCodec.IsWellFormed(trailer))
            && BinaryPrimitives.ReadUInt64BigEndian(message[HeartbeatLayout.BootAt..]) != 0
            && BinaryPrimitives.ReadUInt64BigEndian(message[HeartbeatLayout.SequenceAt..]) != 0
            && BinaryPrimitives.ReadUInt32BigEndian(message[HeartbeatLayout.GoodForAt..]) is >= 1 and <= LongestGoodFor;
    }

    // Bytes behind the last prefix are left alone: a later minor version may append fields there.
    private static bool ArePrefixes(ReadOnlySpan<byte> body, int count, out ReadOnlySpan<byte> trailer)
    {
        trailer = default;
        for (var i = 0; i < count; i++)
        {
            if (body.Length < 2)
            {
                return false;
            }

            var size = body[0] switch { (byte)IpFamily.IPv4 => 4, (byte)IpFamily.IPv6 => 16, _ => 0 };
            if (size == 0 || body[1] > size * 8 || body.Length < 2 + size)
            {
                return false;
            }

            body = body[(2 + size)..];
        }

        trailer = body;
        return true;
    }
}
