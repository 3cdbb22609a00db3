using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>Every state of a peer and what becomes of it: u unconfirmed, a alive, s silent, w away, g gone.</summary>
public sealed class PeerPresenceTests
{
    //                                                                     from  u    a    s    w    g
    [Theory]
    [InlineData("it is heard and serves", true, false, true, false,               "a", "a", "a", "a", "a")]
    [InlineData("it is heard and does not serve", true, false, false, false,      "w", "w", "w", "w", "w")]
    [InlineData("its frames are overdue", true, true, true, false,                "u", "s", "s", "w", "g")]
    [InlineData("overdue, and its kernel answers", true, true, true, true,        "w", "w", "w", "w", "w")]
    [InlineData("off the wire", false, true, false, false,                        "u", "g", "g", "g", "g")]
    [InlineData("off the wire, and its kernel answers", false, true, false, true, "u", "w", "w", "w", "g")]
    public void Next_OfEachState(string because, bool onWire, bool overdue, bool serves, bool kernelAnswers, params string[] expected)
    {
        var facts = new PeerFacts(onWire, overdue, serves, kernelAnswers);
        Assert.Equal((because, string.Concat(expected)), (because, Next(facts)));
    }

    // Its answer waits unread: it is given up a while later.
    [Fact]
    public void Next_OffTheWireAndItsKernelMayHaveAnswered_IsAway() =>
        Assert.Equal("uwwwg", Next(new PeerFacts(OnWire: false, Overdue: true, Serves: false, KernelAnswers: false) { MayHaveAnswered = true }));

    // Whatever its kernel says. On the wire it is waited for as long as it speaks.
    [Theory]
    [InlineData(false, "ugggg")]
    [InlineData(true, "wwwww")]
    public void Next_PutUpWithForLongEnough_IsGoneOnceItIsOffTheWire(bool onWire, string expected) =>
        Assert.Equal(expected, Next(new PeerFacts(onWire, Overdue: true, Serves: false, KernelAnswers: true) { PutUpWith = true }));

    private static string Next(PeerFacts facts) => string.Concat(Enum.GetValues<PeerState>().Select(state => PeerPresence.Next(state, facts) switch
    {
        PeerState.Unconfirmed => 'u',
        PeerState.Alive => 'a',
        PeerState.Silent => 's',
        PeerState.Away => 'w',
        _ => 'g',
    }));
}
