using System.Runtime.InteropServices;

namespace LoadBalancer.Speaker.Links;

/// <summary>Netlink framing (netlink(7), rtnetlink(7)): messages in a datagram, attributes in a message. Host byte order.</summary>
internal static class NetlinkMessages
{
    internal const ushort Error = 2;
    internal const ushort Done = 3;
    internal const ushort NewLink = 16;
    internal const ushort DeleteLink = 17;
    internal const ushort GetLink = 18;
    internal const ushort NewAddress = 20;
    internal const ushort DeleteAddress = 21;
    internal const ushort GetAddress = 22;

    /// <summary>Flag of a dump's messages: the kernel's list changed meanwhile, so entries may be missing.</summary>
    internal const ushort FlagDumpInterrupted = 0x10;

    /// <summary>Octets of a dump request.</summary>
    internal const int RequestLength = HeaderLength + 16;

    private const int HeaderLength = 16;
    private const int AttributeHeaderLength = 4;
    private const ushort FlagsRequestDump = 0x301;
    private const ushort AttributeTypeMask = 0x3FFF;

    /// <summary>Writes a request for all links or all addresses; both families' bodies begin with zeros, meaning "any".</summary>
    internal static void WriteDumpRequest(Span<byte> request, ushort type, uint sequence)
    {
        request[..RequestLength].Clear();
        MemoryMarshal.Write(request, RequestLength);
        MemoryMarshal.Write(request[4..], type);
        MemoryMarshal.Write(request[6..], FlagsRequestDump);
        MemoryMarshal.Write(request[8..], sequence);
    }

    /// <summary>Takes the next message off a datagram; false at its end or where its lengths contradict each other.</summary>
    internal static bool TryTake(scoped ref ReadOnlySpan<byte> datagram, out Message message)
    {
        message = default;
        if (datagram.Length < HeaderLength)
        {
            return false;
        }

        var length = MemoryMarshal.Read<uint>(datagram);
        if (length < HeaderLength || length > datagram.Length)
        {
            return false;
        }

        message = new Message(
            MemoryMarshal.Read<ushort>(datagram[4..]),
            MemoryMarshal.Read<ushort>(datagram[6..]),
            MemoryMarshal.Read<uint>(datagram[8..]),
            datagram[HeaderLength..(int)length]);
        datagram = datagram[Math.Min(Align((int)length), datagram.Length)..];
        return true;
    }

    /// <summary>Takes the next attribute off a list; false at its end or where its lengths contradict each other.</summary>
    internal static bool TryTakeAttribute(scoped ref ReadOnlySpan<byte> attributes, out ushort type, out ReadOnlySpan<byte> value)
    {
        type = 0;
        value = default;
        if (attributes.Length < AttributeHeaderLength)
        {
            return false;
        }

        int length = MemoryMarshal.Read<ushort>(attributes);
        if (length < AttributeHeaderLength || length > attributes.Length)
        {
            return false;
        }

        type = (ushort)(MemoryMarshal.Read<ushort>(attributes[2..]) & AttributeTypeMask);
        value = attributes[AttributeHeaderLength..length];
        attributes = attributes[Math.Min(Align(length), attributes.Length)..];
        return true;
    }

    private static int Align(int length) => (length + 3) & ~3;

    /// <summary>One message; its body lives as long as the datagram.</summary>
    internal readonly ref struct Message(ushort type, ushort flags, uint sequence, ReadOnlySpan<byte> body)
    {
        internal ushort Type { get; } = type;

        internal ushort Flags { get; } = flags;

        /// <summary>The sequence number of the request this answers; of no use in a notification.</summary>
        internal uint Sequence { get; } = sequence;

        internal ReadOnlySpan<byte> Body { get; } = body;
    }
}
