using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Tests.Links;

public sealed class ArrivalRateTests
{
    [Theory]
    [InlineData(100, false)]
    [InlineData(1_000, false)]
    [InlineData(3_900, false)]
    [InlineData(4_200, true)]
    [InlineData(20_000, true)]
    public void Storm_IsMoreThanFourThousandFramesASecond(int framesPerSecond, bool storm) =>
        Assert.Equal(storm, After(framesPerSecond, 3 * ArrivalRate.Window, default, 0).IsStorm);

    [Fact]
    public void Storm_IsOverWhenFramesComeSlowlyAgain()
    {
        var rate = After(20_000, 3 * ArrivalRate.Window, default, 0);

        Assert.False(After(100, 3 * ArrivalRate.Window, rate, 1_000_000).IsStorm);
    }

    [Fact]
    public void ClockSetBack_IsNoStorm()
    {
        var rate = After(100, ArrivalRate.Window, default, 1_000_000_000);

        Assert.False(After(100, ArrivalRate.Window, rate, 0).IsStorm);
    }

    private static ArrivalRate After(int framesPerSecond, int frames, ArrivalRate rate, long start)
    {
        for (var i = 0; i < frames; i++)
        {
            rate.Note(start + (i * 1_000_000L / framesPerSecond));
        }

        return rate;
    }
}
