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
}
