using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Core.Tests.Packets;

/// <summary>Frames written octet by octet, apart from the code under test.</summary>
internal static class ArpFrames
{
    internal static readonly MacAddress Link = MacAddress.Parse("52:54:00:00:00:01");
    internal static readonly MacAddress Asker = MacAddress.Parse("52:54:00:00:00:aa");
    internal static readonly MacAddress Other = MacAddress.Parse("52:54:00:00:00:bb");
    internal static readonly IpAddress Vip = IpAddress.Parse("192.168.96.100");
    internal static readonly IpAddress AskerIp = IpAddress.Parse("192.168.96.7");

    internal static AnswerTable TableOfVip { get; } = AnswerTable.Create([new(Vip, Link)]);

    /// <summary>A host at 192.168.96.7 asks everybody for 192.168.96.100.</summary>
    internal static byte[] Request() => Convert.FromHexString(
        "ffffffffffff" + "5254000000aa" + "0806"
        + "0001" + "0800" + "06" + "04" + "0001"
        + "5254000000aa" + "c0a86007"
        + "000000000000" + "c0a86064"
        + "000000000000000000000000000000000000");

    /// <summary>The request with some octets replaced.</summary>
    internal static byte[] RequestWith(int offset, string hex)
    {
        var frame = Request();
        Convert.FromHexString(hex).CopyTo(frame, offset);
        return frame;
    }
}
