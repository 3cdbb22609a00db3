using System.Runtime.InteropServices;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Packets;

/// <summary>An instruction of a classic packet filter: <c>struct sock_filter</c> of linux/filter.h.</summary>
/// <param name="Code">What it does.</param>
/// <param name="IfTrue">How many instructions a jump skips if its condition holds.</param>
/// <param name="IfFalse">And if not.</param>
/// <param name="Operand">Its constant.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct FilterInstruction(ushort Code, byte IfTrue, byte IfFalse, uint Operand);

/// <summary>
/// Which frames a link's socket hands over, as a program of the kernel's classic packet filter: the speakers' own, and ARP and neighbour
/// discovery from others; of requests and solicitations only those in which an address that concerns this node is the sender or the target. Any process
/// that may open the socket may put it there.
/// </summary>
public static class CaptureProgram
{
    // Beyond that nothing is hidden: the kernel takes 4,096 instructions, and goes through them for every frame.
    private const int MostRanges = 64;

    private const uint Whole = 0xFFFF;
    private const uint PacketType = 0xFFFF_F004;
    private const uint Outgoing = 4;
    private const byte Icmpv6 = 58;

    private const ushort LoadWord = 0x20;
    private const ushort LoadHalf = 0x28;
    private const ushort LoadByte = 0x30;
    private const ushort And = 0x54;
    private const ushort JumpIfEqual = 0x15;
    private const ushort JumpIfGreater = 0x25;
    private const ushort JumpIfNotLess = 0x35;
    private const ushort JumpAlways = 0x05;
    private const ushort Return = 0x06;

    /// <summary>The program that hands over all ARP and neighbour discovery.</summary>
    public static IReadOnlyList<FilterInstruction> OfEverything { get; } = Write(null, null);

    /// <summary>The program for the addresses that concern this node, or null if they are cut into too many pieces.</summary>
    public static IReadOnlyList<FilterInstruction>? Of(IpRangeSet addresses)
    {
        var ipv4 = addresses.Ranges.Where(static range => range.Family == IpFamily.IPv4).ToList();
        var ipv6 = addresses.Ranges.Where(static range => range.Family == IpFamily.IPv6).SelectMany(static range => range.ToPrefixes()).Take(MostRanges + 1).ToList();
        return ipv4.Count + ipv6.Count > MostRanges ? null : Write(ipv4, ipv6);
    }

    private static List<FilterInstruction> Write(List<IpRange>? ipv4, List<IpPrefix>? ipv6)
    {
        List<FilterInstruction> arp = [], ndp = [];
        if (ipv4 is null || ipv6 is null)
        {
            arp.Add(Pass);
            ndp.Add(Pass);
        }
        else
        {
            // Replies, and what is neither, go to the process.
            Add(arp, LoadHalf, 20);
            arp.Add(new FilterInstruction(JumpIfEqual, 1, 0, ArpPacket.Request));
            arp.Add(Pass);
            foreach (var at in (ReadOnlySpan<uint>)[28, 38])
            {
                Add(arp, LoadWord, at);
                ipv4.ForEach(range => AddRange(arp, range));
            }

            arp.Add(Hide);

            // The type is in the accumulator.
            ndp.Add(new FilterInstruction(JumpIfEqual, 1, 0, NdpPacket.Solicitation));
            ndp.Add(Pass);
            foreach (var at in (ReadOnlySpan<uint>)[22, 62])
            {
                ipv6.ForEach(prefix => AddPrefix(ndp, prefix, at));
            }

            ndp.Add(Hide);
        }

        List<FilterInstruction> program = [];
        Add(program, LoadWord, PacketType);
        program.Add(new FilterInstruction(JumpIfEqual, 0, 1, Outgoing));
        program.Add(Hide);
        Add(program, LoadHalf, 12);
        program.Add(new FilterInstruction(JumpIfEqual, 0, 1, EthernetFrame.EtherTypePeer));
        program.Add(Pass);
        program.Add(new FilterInstruction(JumpIfEqual, 1, 0, EthernetFrame.EtherTypeArp));
        program.Add(new FilterInstruction(JumpAlways, 0, 0, (uint)arp.Count));
        program.AddRange(arp);
        program.Add(new FilterInstruction(JumpIfEqual, 1, 0, EthernetFrame.EtherTypeIPv6));
        program.Add(Hide);
        Add(program, LoadByte, 20);
        program.Add(new FilterInstruction(JumpIfEqual, 1, 0, Icmpv6));
        program.Add(Hide);
        Add(program, LoadByte, 54);
        program.Add(new FilterInstruction(JumpIfEqual, 2, 0, NdpPacket.Solicitation));
        program.Add(new FilterInstruction(JumpIfEqual, 1, 0, NdpPacket.Advertisement));
        program.Add(Hide);
        program.AddRange(ndp);
        return program;
    }

    private static FilterInstruction Pass => new(Return, 0, 0, Whole);

    private static FilterInstruction Hide => new(Return, 0, 0, 0);

    private static void Add(List<FilterInstruction> program, ushort load, uint at) => program.Add(new FilterInstruction(load, 0, 0, at));

    private static void AddRange(List<FilterInstruction> program, IpRange range)
    {
        program.Add(new FilterInstruction(JumpIfNotLess, 0, 2, range.First.AsUInt32));
        program.Add(new FilterInstruction(JumpIfGreater, 1, 0, range.Last.AsUInt32));
        program.Add(Pass);
    }

    // Word by word, as far as the prefix goes; the first that differs leads past it.
    private static void AddPrefix(List<FilterInstruction> program, IpPrefix prefix, uint at)
    {
        List<FilterInstruction> words = [];
        var words128 = prefix.Network.Value;
        for (var bits = prefix.Length; bits > 0; bits -= 32, at += 4, words128 <<= 32)
        {
            Add(words, LoadWord, at);
            if (bits < 32)
            {
                words.Add(new FilterInstruction(And, 0, 0, uint.MaxValue << (32 - bits)));
            }

            words.Add(new FilterInstruction(JumpIfEqual, 0, 0, (uint)(words128 >> 96)));
        }

        for (var i = 0; i < words.Count; i++)
        {
            program.Add(words[i].Code == JumpIfEqual ? words[i] with { IfFalse = (byte)(words.Count - i) } : words[i]);
        }

        program.Add(Pass);
    }
}
