using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Core.Tests.NodeLoss;

/// <summary>Which speaker states which loss, and when none does.</summary>
public sealed class LossReporterTests
{
    private static readonly IpAddress Address = IpAddress.Parse("192.168.96.13");
    private static readonly GonePeer Gone = new("n3", 7, Address, Milliseconds(0), ["n2"]);
    private static readonly SegmentLosses Segment = new([Gone], ["n2"], Agreed: true, Witnessed: false, Compared: 1);

    // The one of two that is first in the election order.
    private static readonly string First = Election.Rank("n1", Address) < Election.Rank("n2", Address) ? "n1" : "n2";
    private static readonly string Second = First == "n1" ? "n2" : "n1";

    [Fact]
    public void FirstInTheOrder_EverybodyAgrees_StatesItAtOnce()
    {
        var reporter = new LossReporter(First);
        Assert.Null(Decide(reporter, Seen(First), 350));
        Assert.Equal([new LossStatement("n3", 7, Address, 2, false, Milliseconds(350))], reporter.Statements);
    }

    [Fact]
    public void SecondInTheOrder_NothingToBeSeen_StatesItAfterItsPatience()
    {
        var reporter = new LossReporter(Second);
        Assert.Equal(Milliseconds(350) + LossReporter.Patience, Decide(reporter, Seen(Second), 350));
        Assert.Empty(reporter.Statements);
        Decide(reporter, Seen(Second), 550);
        Assert.Single(reporter.Statements);
    }

    [Fact]
    public void SecondInTheOrder_TheFirstStatesIt_StatesNothing()
    {
        var reporter = new LossReporter(Second);
        Decide(reporter, Seen(Second), 350);
        reporter.Decide([Seen(Second)], Internal, static (_, _) => true, Milliseconds(600));
        Assert.Empty(reporter.Statements);
    }

    [Fact]
    public void OneOfMany_NotAmongTheFirst_StatesNothing()
    {
        var names = Enumerable.Range(1, 6).Select(i => $"x{i}").OrderBy(name => Election.Rank(name, Address)).ToList();
        var reporter = new LossReporter(names[LossReporter.MostReporters]);
        Assert.Null(Decide(reporter, Among(names.Except([names[LossReporter.MostReporters]])), 350));
        Decide(reporter, Among(names.Except([names[LossReporter.MostReporters]])), 5000);
        Assert.Empty(reporter.Statements);
    }

    [Fact]
    public void PeersDisagree_NothingIsStated_AndWhatWasIsTakenBack()
    {
        var reporter = new LossReporter(First);
        Decide(reporter, Seen(First), 350);
        Decide(reporter, Seen(First) with { Agreed = false }, 400);
        Assert.Empty(reporter.Statements);
    }

    [Fact]
    public void NobodyElseLives_OnlyWithAWitness()
    {
        var reporter = new LossReporter(First);
        Decide(reporter, new([Gone], [], Agreed: true, Witnessed: false, Compared: 0), 350);
        Assert.Empty(reporter.Statements);
        Decide(reporter, new([Gone], [], Agreed: true, Witnessed: true, Compared: 0), 360);
        Assert.True(Assert.Single(reporter.Statements).IsBacked);
    }

    [Fact]
    public void HeardOnAnotherSegment_IsNotLost()
    {
        var reporter = new LossReporter(First);
        reporter.Decide([Seen(First), new([], ["n3"], true, false, 1)], Internal, static (_, _) => false, Milliseconds(350));
        Assert.Empty(reporter.Statements);
    }

    [Fact]
    public void AskedForAnotherAddressThanTheInternalIP_IsNotStated()
    {
        var reporter = new LossReporter(First);
        reporter.Decide([Seen(First)], static _ => [IpAddress.Parse("10.0.0.13")], static (_, _) => false, Milliseconds(350));
        Assert.Empty(reporter.Statements);
    }

    [Fact]
    public void Statement_StaysAsItWasMade_UntilTheNodeIsBackOrItIsOldNews()
    {
        var reporter = new LossReporter(First);
        Decide(reporter, Seen(First), 350);
        Decide(reporter, Seen(First), 9000);
        Assert.Equal(Milliseconds(350), Assert.Single(reporter.Statements).Silence);
        Decide(reporter, Seen(First) with { Gone = [] }, 9100);
        Assert.Empty(reporter.Statements);
        Decide(reporter, Seen(First), (int)LossReporter.StatedFor.TotalMilliseconds);
        Assert.Empty(reporter.Statements);
    }

    // Only its neighbours asked its kernel: the first of them says it, however many others come before in the order.
    [Fact]
    public void LargeSegment_OneOfTheNeighboursIsFirst_StatesItAtOnce()
    {
        var everybody = Enumerable.Range(1, 50).Select(static i => $"n{i}").OrderBy(name => Election.Rank(name, Address)).ToList();
        var segment = Among(everybody.Take(40)) with { Gone = [Gone with { Node = "n3", Watchers = [.. everybody.Skip(41)] }], Compared = 8 };
        var reporter = new LossReporter(everybody[40]);
        Assert.Null(Decide(reporter, segment with { Living = [.. segment.Living.Where(name => name != "n3")] }, 350));
        Assert.Equal(9, Assert.Single(reporter.Statements).Agreed);
    }

    private static SegmentLosses Seen(string self) => Segment with
    {
        Living = [Other(self)],
        Gone = [Gone with { Watchers = [Other(self)] }],
    };

    private static SegmentLosses Among(IEnumerable<string> living) =>
        new([Gone with { Watchers = [.. living] }], [.. living], Agreed: true, Witnessed: false, Compared: living.Count());

    private static string Other(string self) => self == "n1" ? "n2" : "n1";

    private static TimeSpan? Decide(LossReporter reporter, SegmentLosses segment, int milliseconds) =>
        reporter.Decide([segment], Internal, static (_, _) => false, Milliseconds(milliseconds));

    private static IReadOnlyList<IpAddress> Internal(string node) => node == "n3" ? [Address] : [];

    private static TimeSpan Milliseconds(int value) => TimeSpan.FromMilliseconds(value);
}
