using System.Runtime.InteropServices;
using System.Text;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Speaker.Links;

/// <summary>What the kernel says of one network interface, as far as it matters for being a link (rtnetlink(7)).</summary>
/// <param name="Index">The interface index, at least 1.</param>
/// <param name="Name">Its name.</param>
/// <param name="HardwareType">ARPHRD_*: 1 for Ethernet and Wi-Fi.</param>
/// <param name="Flags">IFF_*, with the kernel's own beyond 16 bits.</param>
/// <param name="Mac">Its hardware address; zero if it has none of six octets.</param>
/// <param name="Master">The index of the interface it is a port of; 0 for none.</param>
/// <param name="Kind">Its driver kind, for example <c>bridge</c> or <c>veth</c>; empty for hardware.</param>
/// <param name="MasterKind">The kind of its master, if it has one and the kernel says so; for example <c>bond</c>.</param>
/// <param name="Parent">The index of the interface it is made from, as a macvlan or VLAN is; 0 for none.</param>
/// <param name="ParentNamespace">The kernel's number of the network namespace the parent is in, if that is another one; else -1.</param>
internal sealed record InterfaceRecord(
    int Index, string Name, ushort HardwareType, InterfaceFlags Flags, MacAddress Mac, int Master, string Kind, string MasterKind,
    int Parent = 0, int ParentNamespace = InterfaceRecord.SameNamespace)
{
    private const int SameNamespace = -1;
    private const int BodyLength = 16;
    private const int EthernetMtu = 1500;
    private const ushort AttributeAddress = 1;
    private const ushort AttributeName = 3;
    private const ushort AttributeMtu = 4;
    private const ushort AttributeParent = 5;
    private const ushort AttributeMaster = 10;
    private const ushort AttributeLinkInfo = 18;
    private const ushort AttributeParentNamespace = 37;
    private const ushort InfoKind = 1;
    private const ushort InfoSlaveKind = 4;

    /// <summary>The longest payload of a frame, in octets.</summary>
    internal int Mtu { get; init; } = EthernetMtu;

    /// <summary>Reads the body of an RTM_NEWLINK or RTM_DELLINK (struct ifinfomsg and attributes).</summary>
    /// <returns>
    /// Null for a message that is not about the interface itself: bridges announce changes of their ports under their own address
    /// family (a port leaving a bridge looks like a deletion), and wireless drivers send events without a name.
    /// </returns>
    internal static InterfaceRecord? Read(ReadOnlySpan<byte> body)
    {
        if (body.Length < BodyLength || body[0] != 0)
        {
            return null;
        }

        var hardwareType = MemoryMarshal.Read<ushort>(body[2..]);
        var index = MemoryMarshal.Read<int>(body[4..]);
        var flags = (InterfaceFlags)MemoryMarshal.Read<uint>(body[8..]);
        string? name = null;
        string kind = "", masterKind = "";
        var mac = default(MacAddress);
        int master = 0, parent = 0, parentNamespace = SameNamespace, mtu = EthernetMtu;
        var attributes = body[BodyLength..];
        while (NetlinkMessages.TryTakeAttribute(ref attributes, out var type, out var value))
        {
            switch (type)
            {
                case AttributeName:
                    name = Text(value);
                    break;
                case AttributeAddress when value.Length == MacAddress.Size:
                    mac = MacAddress.Read(value);
                    break;
                case AttributeMtu when value.Length == sizeof(int):
                    mtu = MemoryMarshal.Read<int>(value);
                    break;
                case AttributeMaster when value.Length == sizeof(int):
                    master = MemoryMarshal.Read<int>(value);
                    break;
                case AttributeParent when value.Length == sizeof(int):
                    parent = MemoryMarshal.Read<int>(value);
                    break;
                case AttributeParentNamespace when value.Length == sizeof(int):
                    parentNamespace = MemoryMarshal.Read<int>(value);
                    break;
                case AttributeLinkInfo:
                    ReadLinkInfo(value, ref kind, ref masterKind);
                    break;
            }
        }

        return string.IsNullOrEmpty(name) ? null
            : new(index, name, hardwareType, flags, mac, master, kind, masterKind, parent, parentNamespace) { Mtu = mtu };
    }

    private static void ReadLinkInfo(ReadOnlySpan<byte> info, ref string kind, ref string masterKind)
    {
        while (NetlinkMessages.TryTakeAttribute(ref info, out var type, out var value))
        {
            if (type == InfoKind)
            {
                kind = Text(value);
            }
            else if (type == InfoSlaveKind)
            {
                masterKind = Text(value);
            }
        }
    }

    private static string Text(ReadOnlySpan<byte> value)
    {
        var end = value.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? value : value[..end]);
    }
}

/// <summary>IFF_* of netdevice(7), those that matter here.</summary>
[Flags]
internal enum InterfaceFlags : uint
{
    None = 0,

    /// <summary>Administratively up.</summary>
    Up = 0x1,

    /// <summary>Has a broadcast address.</summary>
    Broadcast = 0x2,

    /// <summary>The loopback.</summary>
    Loopback = 0x8,

    /// <summary>Operational (RFC 2863): carrier present and, on a port under 802.1X, authorised.</summary>
    Running = 0x40,

    /// <summary>Speaks no ARP.</summary>
    NoArp = 0x80,

    /// <summary>Carrier present, known at once; <see cref="Running"/> may lag by a second.</summary>
    LowerUp = 0x10000,
}

/// <summary>An address of an interface (RTM_NEWADDR, RTM_DELADDR).</summary>
/// <param name="InterfaceIndex">The interface that has it.</param>
/// <param name="Prefix">The address with its prefix length.</param>
internal readonly record struct InterfaceAddress(int InterfaceIndex, IpPrefix Prefix)
{
    private const int BodyLength = 8;
    private const ushort AttributeAddress = 1;
    private const ushort AttributeLocal = 2;
    private const byte FamilyIPv4 = 2;
    private const byte FamilyIPv6 = 10;
    private const byte FlagTemporary = 0x01;

    /// <summary>
    /// Reads the body (struct ifaddrmsg and attributes); null if it is of neither IP family or incomplete, or a temporary IPv6 address
    /// (RFC 8981): a new one comes each day, in a subnet that the interface's stable address is in as well.
    /// </summary>
    internal static InterfaceAddress? Read(ReadOnlySpan<byte> body)
    {
        // The same bit says "secondary" for IPv4.
        if (body.Length < BodyLength || (body[0] == FamilyIPv6 && (body[2] & FlagTemporary) != 0))
        {
            return null;
        }

        var size = body[0] switch { FamilyIPv4 => 4, FamilyIPv6 => 16, _ => 0 };
        ReadOnlySpan<byte> address = default, local = default;
        var attributes = body[BodyLength..];
        while (NetlinkMessages.TryTakeAttribute(ref attributes, out var type, out var value))
        {
            if (type == AttributeAddress)
            {
                address = value;
            }
            else if (type == AttributeLocal)
            {
                local = value;
            }
        }

        // On a point-to-point interface IFA_ADDRESS is the other end; IFA_LOCAL, where present, is always ours.
        var own = local.IsEmpty ? address : local;
        return size == 0 || own.Length != size || body[1] > size * 8
            ? null
            : new InterfaceAddress(MemoryMarshal.Read<int>(body[4..]), new IpPrefix(IpAddress.FromBytes(own), body[1]));
    }
}
