using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Tests.Links;

/// <summary>Tables as a kernel of a little-endian machine prints them (proc(5)).</summary>
public sealed class GatewaysTests : IDisposable
{
    private readonly string proc = Directory.CreateTempSubdirectory("proc").FullName;

    public void Dispose() => Directory.Delete(proc, recursive: true);

    [Fact]
    public void RoutesThroughAGateway_AreRead_OthersAreNot()
    {
        Assert.SkipUnless(BitConverter.IsLittleEndian, "the table below is a little-endian kernel's");
        File.WriteAllText(Path.Combine(proc, "route"), """
            Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
            eth0	00000000	0160A8C0	0003	0	0	100	00000000	0	0	0
            eth0	0060A8C0	00000000	0001	0	0	100	00F0FFFF	0	0	0
            eth0	0000010A	FE60A8C0	0003	0	0	0	0000FFFF	0	0	0
            eth1	0000020A	FD60A8C0	0002	0	0	0	0000FFFF	0	0	0

            """);
        File.WriteAllText(Path.Combine(proc, "ipv6_route"), """
            00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000096000000000000000000000001 00000400 00000001 00000000 00000003 eth0
            20010db8000000000000000000000000 20 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0
            fd000096000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0

            """);

        Assert.Equal("192.168.96.1 192.168.96.254 fd00:96::1", string.Join(' ', Gateways.Read(proc)));
    }

    [Fact]
    public void TablesThatAreAbsentOrCutOff_AreNoGateways()
    {
        Assert.Empty(Gateways.Read(proc));
        File.WriteAllText(Path.Combine(proc, "route"), "eth0\t0000\neth0\t00000000\t01\t0003\neth0\t00000000\tzzzzzzzz\t0003\n");
        Assert.Empty(Gateways.Read(proc));
    }
}
