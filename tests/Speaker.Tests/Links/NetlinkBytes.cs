using System.Buffers.Binary;
using System.Text;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Tests.Links;

/// <summary>Writes netlink messages as the kernel does (little-endian hosts, which all of ours are).</summary>
internal static class NetlinkBytes
{
    internal static byte[] Link(
        ushort type,
        int index,
        string? name,
        InterfaceFlags flags = InterfaceFlags.Up | InterfaceFlags.Broadcast | InterfaceFlags.Running | InterfaceFlags.LowerUp,
        ushort hardwareType = 1,
        string mac = "52:54:00:00:00:01",
        int master = 0,
        string kind = "",
        string masterKind = "",
        byte family = 0,
        int parent = 0,
        int parentNamespace = -1,
        int? mtu = null)
    {
        var body = new byte[16];
        body[0] = family;
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(2), hardwareType);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(4), index);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(8), (uint)flags);
        byte[] info =
        [
            .. kind.Length > 0 ? Attribute(1, Zero(kind)) : [],
            .. masterKind.Length > 0 ? Attribute(4, Encoding.UTF8.GetBytes(masterKind)) : [],
        ];
        return Message(type,
        [
            .. body,
            .. name is null ? [] : Attribute(3, Zero(name)),
            .. Attribute(13, [1, 0, 0, 0]),
            .. Attribute(1, Convert.FromHexString(mac.Replace(":", "", StringComparison.Ordinal))),
            .. mtu is { } longest ? Attribute(4, BitConverter.GetBytes(longest)) : [],
            .. master == 0 ? [] : Attribute(10, BitConverter.GetBytes(master)),
            .. parent == 0 ? [] : Attribute(5, BitConverter.GetBytes(parent)),
            .. parentNamespace < 0 ? [] : Attribute(37, BitConverter.GetBytes(parentNamespace)),
            .. info.Length == 0 ? [] : Attribute(18 | 0x8000, info),
        ]);
    }

    internal static byte[] Address(ushort type, int index, string prefix, string? pointToPoint = null, byte flags = 0)
    {
        var parsed = IpPrefix.Parse(prefix);
        var bytes = new byte[parsed.Address.BitLength / 8];
        parsed.Address.WriteBytes(bytes);
        var body = new byte[8];
        body[0] = (byte)(bytes.Length == 4 ? 2 : 10);
        body[1] = (byte)parsed.Length;
        body[2] = flags;
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(4), index);
        var other = bytes;
        if (pointToPoint is not null)
        {
            other = new byte[bytes.Length];
            IpAddress.Parse(pointToPoint).WriteBytes(other);
        }

        return Message(type, [.. body, .. Attribute(1, other), .. bytes.Length == 4 || pointToPoint is not null ? Attribute(2, bytes) : []]);
    }

    internal static byte[] Message(ushort type, byte[] body, uint sequence = 0)
    {
        var message = new byte[(16 + body.Length + 3) & ~3];
        BinaryPrimitives.WriteInt32LittleEndian(message, 16 + body.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(4), type);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(8), sequence);
        body.CopyTo(message, 16);
        return message;
    }

    private static byte[] Attribute(int type, byte[] value)
    {
        var attribute = new byte[(4 + value.Length + 3) & ~3];
        BinaryPrimitives.WriteUInt16LittleEndian(attribute, (ushort)(4 + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(attribute.AsSpan(2), (ushort)type);
        value.CopyTo(attribute, 4);
        return attribute;
    }

    private static byte[] Zero(string text) => [.. Encoding.UTF8.GetBytes(text), 0];
}
