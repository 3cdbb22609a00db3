using System.Net;
using LoadBalancer.Core.Packets;
using PacketDotNet;

namespace LoadBalancer.Core.Tests.Packets;

public sealed class AnnouncementTests
{
    [Theory]
    [InlineData(AnnouncementForm.Request, ArpOperation.Request)]
    [InlineData(AnnouncementForm.Reply, ArpOperation.Response)]
    public void Announcement_ReadByAnIndependentParser_ClaimsTheVipToEverybody(AnnouncementForm form, ArpOperation operation)
    {
        var frame = Enumerable.Repeat((byte)0xEE, 64).ToArray();

        Assert.Equal(60, Announcement.Write(form, ArpFrames.Vip.AsUInt32, ArpFrames.Link, ArpFrames.Link, frame));

        var ethernet = (EthernetPacket)Packet.ParsePacket(LinkLayers.Ethernet, frame[..60]);
        var arp = ethernet.Extract<PacketDotNet.ArpPacket>();
        Assert.Equal("FFFFFFFFFFFF", ethernet.DestinationHardwareAddress.ToString());
        Assert.Equal("525400000001", ethernet.SourceHardwareAddress.ToString());
        Assert.Equal(operation, arp.Operation);
        Assert.Equal("525400000001", arp.SenderHardwareAddress.ToString());
        Assert.Equal(IPAddress.Parse("192.168.96.100"), arp.SenderProtocolAddress);
        Assert.Equal("FFFFFFFFFFFF", arp.TargetHardwareAddress.ToString());
        Assert.Equal(IPAddress.Parse("192.168.96.100"), arp.TargetProtocolAddress);
        Assert.All(frame[42..60], octet => Assert.Equal(0, octet));
        Assert.All(frame[60..], octet => Assert.Equal(0xEE, octet));
    }

    [Fact]
    public void Announcement_OfAnotherNodesMac_LeavesUnderOurOwnEthernetSource()
    {
        var frame = new byte[60];

        Announcement.Write(AnnouncementForm.Reply, ArpFrames.Vip.AsUInt32, ArpFrames.Other, ArpFrames.Link, frame);

        Assert.Equal("525400000001", Convert.ToHexStringLower(frame, 6, 6));
        Assert.Equal("5254000000bb", Convert.ToHexStringLower(frame, 22, 6));
    }

    [Theory]
    [InlineData(AnnouncementForm.Request, DropReason.Gratuitous)]
    [InlineData(AnnouncementForm.Reply, DropReason.ArpReply)]
    public void Announcement_OfAPeer_IsNotAnsweredAndIsAnObservation(AnnouncementForm form, DropReason reason)
    {
        var frame = new byte[60];
        Announcement.Write(form, ArpFrames.Vip.AsUInt32, ArpFrames.Other, ArpFrames.Other, frame);

        var outcome = ArpResponder.Respond(frame, ArpFrames.TableOfVip, ArpFrames.Link, new byte[60]);

        Assert.Equal(reason, outcome.Reason);
        Assert.True(outcome.IsObservation);
        Assert.True(outcome.Packet.IsGratuitous);
    }

    [Fact]
    public void Schedule_HasRoundsAtTheSpacingLinuxAccepts()
    {
        Assert.Equal(
            [0, 200, 1100, 2200, 3300, 4400],
            Enumerable.Range(0, AnnouncementSchedule.Rounds).Select(round => (int)AnnouncementSchedule.Offset(round).TotalMilliseconds));
        Assert.Equal(
            [200, 900, 1100, 1100, 1100, null],
            Enumerable.Range(0, AnnouncementSchedule.Rounds).Select(round => (int?)AnnouncementSchedule.PauseAfter(round)?.TotalMilliseconds));
    }

    [Fact]
    public void DropReasons_HaveEachALabelOfTheirOwn()
    {
        var labels = Enum.GetValues<DropReason>().Select(reason => reason.Label()).ToList();

        Assert.Equal(DropReasons.Count, labels.Count);
        Assert.Equal(labels.Count, labels.Distinct().Count());
        Assert.All(labels, label => Assert.Matches("^[a-z0-9_]+$", label));
    }
}
