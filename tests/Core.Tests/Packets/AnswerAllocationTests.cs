using LoadBalancer.Core.Packets;

namespace LoadBalancer.Core.Tests.Packets;

public sealed class AnswerAllocationTests
{
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
