using System.Net.Sockets;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Tests.Links;

/// <summary>When a link's socket hands over less than everything.</summary>
public sealed class ConcernFilterTests
{
    private static readonly IpRangeSet Pool = IpRangeSet.Of(IpPrefix.Parse("192.168.96.96/27").Range);
    private static readonly AnswerTable Table = AnswerTable.Create([new(IpAddress.Parse("192.168.96.100"), MacAddress.Parse("52:54:00:00:00:01"))]);

    private readonly List<IReadOnlyList<FilterInstruction>> set = [];
    private readonly ConcernFilter filter;
    private bool isRefused;

    public ConcernFilterTests() => filter = new ConcernFilter(program =>
    {
        set.Add(program);
        return !isRefused;
    });

    [Fact]
    public void OnceAllIsKnown_AndNothingInDoubt_OnlyWhatConcernsThePoolsComesIn()
    {
        filter.Follow(Pool);
        filter.Answer(Table);
        Assert.Empty(set);
        filter.Need(everything: false);
        Assert.Equal(CaptureProgram.Of(Pool), Assert.Single(set));
        filter.Need(everything: false);
        Assert.Single(set);
    }

    [Fact]
    public void InDoubt_EverythingComesIn()
    {
        Narrow();
        filter.Need(everything: true);
        Assert.Same(CaptureProgram.OfEverything, set[^1]);
    }

    [Fact]
    public void AnAddressOutsideThePools_IsStillAskedFor()
    {
        Narrow();
        filter.Answer(AnswerTable.Create([new(IpAddress.Parse("192.168.97.1"), MacAddress.Parse("52:54:00:00:00:01"))]));
        Assert.Same(CaptureProgram.OfEverything, set[^1]);
        filter.Answer(Table);
        Assert.Equal(CaptureProgram.Of(Pool), set[^1]);
    }

    [Fact]
    public void OtherPools_ArePutInPlace_AndNone_IsEverything()
    {
        Narrow();
        var more = IpRangeSet.Of(IpPrefix.Parse("192.168.96.0/24").Range);
        filter.Follow(more);
        Assert.Equal(CaptureProgram.Of(more), set[^1]);
        filter.Follow(IpRangeSet.Empty);
        Assert.Same(CaptureProgram.OfEverything, set[^1]);
    }

    [Fact]
    public void AKernelThatRefuses_IsNotAskedAgain()
    {
        isRefused = true;
        Narrow();
        filter.Need(everything: true);
        filter.Need(everything: false);
        Assert.InRange(set.Count, 1, 2);
    }

    // Any socket's filter is checked in the same way.
    [Fact]
    public void Kernel_TakesThePrograms()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        var ranges = Enumerable.Range(0, 40).Select(static i => IpAddress.FromUInt32(0xC0A8_6000 + (3 * (uint)i))).Select(static one => new IpRange(one, one));
        foreach (var program in (IReadOnlyList<FilterInstruction>[])
            [CaptureProgram.OfEverything, CaptureProgram.Of(Pool)!, CaptureProgram.Of(IpRangeSet.Of([.. ranges, .. Enumerable.Range(0, 20).Select(static i => IpPrefix.Parse($"fd00:{i + 1:x}::/61").Range)]))!])
        {
            Assert.True(PcapLink.Attach((int)socket.Handle, program), $"{program.Count} instructions");
        }
    }

    private void Narrow()
    {
        filter.Follow(Pool);
        filter.Answer(Table);
        filter.Need(everything: false);
    }
}
