using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

public sealed class AnswerWatchTests
{
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.96.100");
    private static readonly MacAddress Mac = MacAddress.Parse("52:54:00:00:00:02");
    private readonly AnswerWatch watch = new();

    [Fact]
    public void OwnerAnswers_IsAskedASecondAfterItTookOverAndThenNowAndThen()
    {
        List<int> asked = [];
        for (var at = 0; at <= 30_000; at += 100)
        {
            if (Ask(at))
            {
                asked.Add(at);
                watch.Answered(Vip, Mac);
            }
        }

        Assert.Equal([1000, 11_500, 22_000], asked);
        Assert.Null(watch.Doubted(Vip));
    }

    [Fact]
    public void OwnerDoesNotAnswer_IsDoubtedAfterSixQuestions()
    {
        for (var at = 0; at < 4000; at += 100)
        {
            Ask(at);
            Assert.Null(watch.Doubted(Vip));
        }

        Ask(4000);
        Assert.Equal("n2", watch.Doubted(Vip));
        watch.Answered(Vip, Mac);
        Assert.Null(watch.Doubted(Vip));
    }

    // Five in a row are lost, or their answers are, and then one comes through.
    [Fact]
    public void FramesAreLost_NobodyIsDoubted()
    {
        var asked = 0;
        for (var at = 0; at < 60_000; at += 100)
        {
            if (Ask(at) && ++asked % 6 == 0)
            {
                watch.Answered(Vip, Mac);
            }

            Assert.Null(watch.Doubted(Vip));
        }

        Assert.InRange(asked, 18, 30);
    }

    [Fact]
    public void Doubts_AreTold_AndOnceMoreWhenTheyAreOver()
    {
        for (var at = 0; at < 4000; at += 100)
        {
            Ask(at);
            Assert.False(watch.HasDoubts);
        }

        Ask(4000);
        Assert.True(watch.HasDoubts);
        watch.Answered(Vip, Mac);
        Ask(5000);
        Ask(5100);
        Assert.True(watch.HasDoubts, "whoever was told so has to be told that it is over");
        Ask(5200);
        Assert.False(watch.HasDoubts);
    }

    // A stranger's answer is another matter; the owner's is what was asked for.
    [Fact]
    public void AnotherAnswers_DoesNotCount()
    {
        for (var at = 0; at <= 4000; at += 100)
        {
            Ask(at);
            watch.Answered(Vip, MacAddress.Parse("52:54:00:00:00:99"));
        }

        Assert.Equal("n2", watch.Doubted(Vip));
    }

    // Heard between two questions: nobody knows to what it is an answer.
    [Fact]
    public void AnswerThatNobodyAskedFor_DoesNotCount()
    {
        watch.Answered(Vip, Mac);
        for (var at = 0; at < 4000; at += 100)
        {
            Ask(at);
        }

        Ask(4000);
        Assert.Equal("n2", watch.Doubted(Vip));
    }

    [Fact]
    public void Answered_AllocatesNothing()
    {
        Ask(0);
        Ask(1000);
        watch.Answered(Vip, Mac);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            watch.Answered(Vip, Mac);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void AThousandVips_AreAskedForTenASecondAtMost()
    {
        var vips = Enumerable.Range(0, 1000).Select(i => IpAddress.FromUInt32(0xC0A86000u + (uint)i)).ToList();
        var questions = 0;
        for (var at = 0; at < 10_000; at += 100)
        {
            watch.Begin();
            vips.ForEach(vip => watch.Watch(vip, "n2", Mac, Ms(at)));
            watch.End();
            while (watch.Next(Ms(at)) is { } question)
            {
                questions++;
                watch.Answered(question.Vip, question.Mac);
            }
        }

        Assert.InRange(questions, 80, 100);
    }

    [Fact]
    public void NoLongerToBeWatched_IsNotAskedAndNotDoubted()
    {
        Ask(0);
        watch.Begin();
        watch.End();
        Assert.Null(watch.Next(Ms(60_000)));
    }

    private bool Ask(int at)
    {
        watch.Begin();
        watch.Watch(Vip, "n2", Mac, Ms(at));
        watch.End();
        return watch.Next(Ms(at)) is not null;
    }
}
