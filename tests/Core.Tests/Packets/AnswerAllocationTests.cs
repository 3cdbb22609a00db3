using LoadBalancer.Core.Packets;

namespace LoadBalancer.Core.Tests.Packets;

public sealed class AnswerAllocationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(10_000)]
    public void Answering_AHundredThousandSolicitations_AllocatesNothing(int vips)
    {
        var table = AnswerTable.Create(Enumerable.Range(0, vips)
            .Select(i => KeyValuePair.Create(NdpFrames.Vip.Add((UInt128)i), NdpFrames.Link)));
        var solicitation = NdpFrames.Solicitation();
        var detection = NdpFrames.Detection();
        var reply = new byte[NdpPacket.FrameLength];
        var answered = 0;

        Answer(1_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Answer(100_000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(202_000, answered);

        void Answer(int solicitations)
        {
            for (var i = 0; i < solicitations; i++)
            {
                answered += NdpResponder.Respond(solicitation, table, NdpFrames.Link, reply).Answered ? 1 : 0;
                answered += NdpResponder.Respond(detection, table, NdpFrames.Link, reply).Answered ? 1 : 0;
                Announcement.Write(NdpFrames.Vip.Value, NdpFrames.Link, NdpFrames.Link, reply);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10_000)]
    public void Answering_AHundredThousandRequests_AllocatesNothing(int vips)
    {
        var table = AnswerTable.Create(Enumerable.Range(0, vips)
            .Select(i => KeyValuePair.Create(ArpFrames.Vip.Add((UInt128)i), ArpFrames.Link)));
        var request = ArpFrames.Request();
        var reply = new byte[EthernetFrame.MinimumLength];
        var announcement = new byte[EthernetFrame.MinimumLength];
        var answered = 0;

        Answer(1_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Answer(100_000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(101_000, answered);

        void Answer(int requests)
        {
            for (var i = 0; i < requests; i++)
            {
                answered += ArpResponder.Respond(request, table, ArpFrames.Link, reply).Answered ? 1 : 0;
                Announcement.Write(AnnouncementForm.Request, 1, ArpFrames.Link, ArpFrames.Link, announcement);
            }
        }
    }
}
