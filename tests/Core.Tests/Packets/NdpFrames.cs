using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Core.Tests.Packets;

/// <summary>Frames written octet by octet, apart from the code under test.</summary>
internal static class NdpFrames
{
    internal static readonly MacAddress Link = MacAddress.Parse("52:54:00:00:00:01");
    internal static readonly MacAddress Asker = MacAddress.Parse("52:54:00:00:00:aa");
    internal static readonly MacAddress Other = MacAddress.Parse("52:54:00:00:00:bb");
    internal static readonly IpAddress Vip = IpAddress.Parse("fd00:96::1:100");

    // The offsets of what tests change.
    internal const int PayloadLength = 18, NextHeader = 20, HopLimit = 21, Source = 22, Destination = 38;
    internal const int MessageType = 54, Code = 55, Checksum = 56, Flags = 58, Target = 62, Option = 78;

    private const string VipOctets = "fd000096000000000000000000010100";
    private const string AskerOctets = "fd000096000000000000000000000007";
    private const string GroupOctets = "ff0200000000000000000001ff010100";

    internal static AnswerTable TableOfVip { get; } = AnswerTable.Create([new(Vip, Link)]);

    /// <summary>The host fd00:96::7 looks for fd00:96::1:100 in its group.</summary>
    internal static byte[] Solicitation() => Sealed(
        "3333ff010100" + "5254000000aa" + "86dd" + "60000000" + "0020" + "3a" + "ff" + AskerOctets + GroupOctets
        + "87000000" + "00000000" + VipOctets + "0101" + "5254000000aa");

    /// <summary>It asks the cached hardware address if the neighbour is still there: without option, to the address itself.</summary>
    internal static byte[] Probe() => Sealed(
        "525400000001" + "5254000000aa" + "86dd" + "60000000" + "0018" + "3a" + "ff" + AskerOctets + VipOctets
        + "87000000" + "00000000" + VipOctets);

    /// <summary>A host that wants fd00:96::1:100 for itself asks if it is taken.</summary>
    internal static byte[] Detection() => Sealed(
        "3333ff010100" + "5254000000aa" + "86dd" + "60000000" + "0018" + "3a" + "ff" + new string('0', 32) + GroupOctets
        + "87000000" + "00000000" + VipOctets);

    /// <summary>Another host says that fd00:96::1:100 is at its place.</summary>
    internal static byte[] Advertisement() => Sealed(
        "333300000001" + "5254000000aa" + "86dd" + "60000000" + "0020" + "3a" + "ff" + VipOctets + "ff020000000000000000000000000001"
        + "88000000" + "20000000" + VipOctets + "0201" + "5254000000aa");

    /// <summary>A frame with some octets replaced and the checksum put right.</summary>
    internal static byte[] With(byte[] frame, int offset, string hex)
    {
        Convert.FromHexString(hex).CopyTo(frame, offset);
        return Seal(frame);
    }

    /// <summary>A frame with further options.</summary>
    internal static byte[] WithOptions(byte[] frame, string hex)
    {
        byte[] longer = [.. frame, .. Convert.FromHexString(hex)];
        longer[PayloadLength] = (byte)((longer.Length - 54) >> 8);
        longer[PayloadLength + 1] = (byte)(longer.Length - 54);
        return Seal(longer);
    }

    /// <summary>The ones' complement sum of the pseudo-header and the message as 16-bit words (RFC 1071 §4.1); 0xFFFF if it is intact.</summary>
    internal static int Sum(ReadOnlySpan<byte> frame)
    {
        var length = (frame[PayloadLength] << 8) | frame[PayloadLength + 1];
        byte[] words = [.. frame[Source..(MessageType + length)], .. length % 2 == 0 ? Array.Empty<byte>() : [0]];
        var sum = length + frame[NextHeader];
        for (var i = 0; i < words.Length; i += 2)
        {
            sum += (words[i] << 8) | words[i + 1];
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return sum;
    }

    /// <summary>Puts the checksum right, as far as the frame is long enough to have one.</summary>
    internal static byte[] Seal(byte[] frame)
    {
        if (frame.Length >= Flags && frame.Length - MessageType >= ((frame[PayloadLength] << 8) | frame[PayloadLength + 1]))
        {
            frame[Checksum] = frame[Checksum + 1] = 0;
            var checksum = ~Sum(frame);
            frame[Checksum] = (byte)(checksum >> 8);
            frame[Checksum + 1] = (byte)checksum;
        }

        return frame;
    }

    private static byte[] Sealed(string hex) => Seal(Convert.FromHexString(hex));
}
