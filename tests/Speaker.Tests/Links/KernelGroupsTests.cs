using System.Globalization;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Tests.Links;

/// <summary>The kernel's own word on the loopback, whose groups no frame ever tells of.</summary>
public sealed class KernelGroupsTests : IDisposable
{
    private const string Memberships = "/proc/self/net/igmp6";
    private static readonly IpAddress First = IpAddress.Parse("ff02::1:ffab:0");

    private readonly KernelGroups groups = new(new LinkFacts("lo", 1, default, [], true));

    public KernelGroupsTests() => Assert.SkipUnless(File.Exists(Memberships), "this kernel has no IPv6");

    public void Dispose() => groups.Dispose();

    [Fact]
    public void Group_IsInTheKernelsListWhileJoined()
    {
        Assert.Null(groups.Join(First));
        Assert.Equal(["ff0200000000000000000001ffab0000"], Listed());

        groups.Leave(First);
        Assert.Empty(Listed());
        Assert.Equal(0, groups.Sockets);
    }

    [Fact]
    public void Disposed_LeavesAll()
    {
        groups.Join(First);
        groups.Join(First.Add(1));

        groups.Dispose();

        Assert.Empty(Listed());
    }

    [Fact]
    public void MoreGroupsThanASocketHolds_GoToFurtherSockets_WhichAreClosedAgain()
    {
        // A membership takes some 60 octets of net.core.optmem_max, which is 20 KiB or 128 KiB by default.
        var limit = int.Parse(File.ReadAllText("/proc/sys/net/core/optmem_max"), CultureInfo.InvariantCulture);
        Assert.SkipWhen(limit > 1_000_000, $"net.core.optmem_max is {limit}: filling sockets would take too long");
        var count = (limit / 40) + 100;
        for (var i = 0; i < count; i++)
        {
            Assert.Null(groups.Join(First.Add((UInt128)i)));
        }

        Assert.InRange(groups.Sockets, 2, 10);
        Assert.Equal(count, Listed().Count);

        // Room that became free is used again.
        groups.Leave(First);
        var sockets = groups.Sockets;
        Assert.Null(groups.Join(First.Add((UInt128)count)));
        Assert.Equal(sockets, groups.Sockets);

        for (var i = 1; i <= count; i++)
        {
            groups.Leave(First.Add((UInt128)i));
        }

        Assert.Equal(0, groups.Sockets);
        Assert.Empty(Listed());
    }

    [Fact]
    public void InterfaceThatIsNotThere_IsAProblemAndNoException()
    {
        using var gone = new KernelGroups(new LinkFacts("gone", int.MaxValue, default, [], true));

        Assert.NotNull(gone.Join(First));
        Assert.Equal(0, gone.Sockets);
        gone.Leave(First);
    }

    private static List<string> Listed() =>
    [
        .. File.ReadLines(Memberships).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2])
            .Where(group => group.StartsWith("ff0200000000000000000001ffab", StringComparison.Ordinal)),
    ];
}
