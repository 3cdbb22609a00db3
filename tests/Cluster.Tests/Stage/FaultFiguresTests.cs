using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.Cluster.Tests.Stage;

/// <summary>What the demo tells of a fault, from attempts that are known.</summary>
public sealed class FaultFiguresTests
{
    [Fact]
    public void Attempts_BeforeDuringAndAfterTheFault_AreCountedWhileItLasts()
    {
        FaultFigures figures = FaultFigures.Of(
            [At(80, 5, true), At(100, 1000, false), At(120, 1000, false), At(400, 10, true), At(420, 1000, false), At(440, 3, true), At(620, 1000, false)],
            before: Milliseconds(100), begun: Milliseconds(110), end: Milliseconds(600));
        Assert.Equal(new FaultFigures(Attempts: 5, Failed: 3, FailedBefore: 2, FirstSuccess: Milliseconds(310), LastFailure: Milliseconds(320)), figures);
    }

    [Fact]
    public void SuccessBegunBeforeTheFaultWasThere_IsNoFirstSuccess()
    {
        FaultFigures figures = FaultFigures.Of([At(101, 5, true), At(500, 5, true)], before: Milliseconds(100), begun: Milliseconds(110), end: Milliseconds(600));
        Assert.Equal(Milliseconds(405), figures.FirstSuccess);
        Assert.Null(figures.LastFailure);
    }

    [Fact]
    public void NoSuccess_EveryFailureIsTheAddresss()
    {
        FaultFigures figures = FaultFigures.Of([At(120, 1000, false), At(140, 1000, false)], before: Milliseconds(100), begun: Milliseconds(110), end: Milliseconds(600));
        Assert.Equal(new FaultFigures(Attempts: 2, Failed: 2, FailedBefore: 2, FirstSuccess: null, LastFailure: Milliseconds(40)), figures);
    }

    private static ConnectAttempt At(int started, int took, bool success) => new(Milliseconds(started), Milliseconds(started + took), success);

    private static TimeSpan Milliseconds(int value) => TimeSpan.FromMilliseconds(value);
}
