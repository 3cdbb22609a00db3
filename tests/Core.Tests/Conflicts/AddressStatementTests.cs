using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Core.Tests.Conflicts;

public sealed class AddressStatementTests
{
    private static readonly MacAddress Mac = MacAddress.Parse("52:54:00:00:00:aa");
    private static readonly IpAddress Ip = IpAddress.Parse("192.168.96.7");

    [Theory]
    [InlineData(ArpPacket.Request, "192.168.96.100", StatementForm.Use)]
    [InlineData(ArpPacket.Reply, "192.168.96.100", StatementForm.Answer)]
    [InlineData(ArpPacket.Request, "192.168.96.7", StatementForm.Announcement)]
    [InlineData(ArpPacket.Reply, "192.168.96.7", StatementForm.Announcement)]
    public void Packet_WithASender_StatesThatTheSenderHasTheAddress(int operation, string target, StatementForm form)
    {
        var packet = new ArpPacket((ushort)operation, MacAddress.Broadcast, Mac, Mac, Ip.AsUInt32, default, IpAddress.Parse(target).AsUInt32);
        Assert.True(AddressStatement.TryRead(packet, out var statement));
        Assert.Equal(new AddressStatement(Ip, Mac, form), statement);
    }

    [Fact]
    public void Probe_FromNoAddress_StatesNothing() =>
        Assert.False(AddressStatement.TryRead(new ArpPacket(ArpPacket.Request, MacAddress.Broadcast, Mac, Mac, 0, default, Ip.AsUInt32), out _));

    [Fact]
    public void ReverseArp_StatesNothing() =>
        Assert.False(AddressStatement.TryRead(new ArpPacket(3, MacAddress.Broadcast, Mac, Mac, Ip.AsUInt32, default, Ip.AsUInt32), out _));

    [Fact]
    public void DeputysFrame_StatesTheOwnersHardwareAddress_NotItsEthernetSource()
    {
        var deputy = MacAddress.Parse("52:54:00:00:00:02");
        var packet = new ArpPacket(ArpPacket.Reply, MacAddress.Broadcast, deputy, Mac, Ip.AsUInt32, default, Ip.AsUInt32);
        Assert.True(AddressStatement.TryRead(packet, out var statement));
        Assert.Equal(Mac, statement.Mac);
    }

    [Theory]
    [InlineData(NdpPacket.Advertisement, NdpBits.Solicited | NdpBits.Override, "fd00:96::100", StatementForm.Answer)]
    [InlineData(NdpPacket.Advertisement, NdpBits.Override, "fd00:96::100", StatementForm.Announcement)]
    [InlineData(NdpPacket.Solicitation, NdpBits.None, "fd00:96::7", StatementForm.Use)]
    public void NdpPacket_StatesItsTargetIfItAdvertises_ItsSourceIfItAsks(int type, NdpBits flags, string stated, StatementForm form)
    {
        var packet = new NdpPacket((byte)type, default, Mac, IpAddress.Parse("fd00:96::7").Value, default, flags, IpAddress.Parse("fd00:96::100").Value, default);
        Assert.True(AddressStatement.TryRead(packet, out var statement));
        Assert.Equal(new AddressStatement(IpAddress.Parse(stated), Mac, form), statement);

        var owner = MacAddress.Parse("52:54:00:00:00:02");
        Assert.True(AddressStatement.TryRead(packet with { LinkLayerAddress = owner }, out statement));
        Assert.Equal(owner, statement.Mac);
    }

    [Fact]
    public void DuplicateAddressDetection_StatesNothing() =>
        Assert.False(AddressStatement.TryRead(NdpPacket.Ask(Mac, 0, IpAddress.Parse("fd00:96::100").Value), out _));
}
