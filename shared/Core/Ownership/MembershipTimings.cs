namespace LoadBalancer.Core.Ownership;

/// <summary>The waiting times of membership; see docs/protocol.md.</summary>
public sealed record MembershipTimings
{
    /// <summary>After a (re)start or the return of the carrier: how long a node listens before it may win anything. Every peer answers a hello within a heartbeat.</summary>
    public TimeSpan Listen { get; init; } = TimeSpan.FromMilliseconds(600);

    /// <summary>From saying that it is ready to acting on it: a heartbeat's time, so that nodes which start together decide alike.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>A gap between two looks at the clock longer than this was a stall of this process, not silence of its peers.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The hold after the first loss; doubles with each.</summary>
    public TimeSpan FirstHold { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest hold.</summary>
    public TimeSpan LongestHold { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>A peer alive for this long without a break has its losses forgotten.</summary>
    public TimeSpan ForgetLosses { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long a VIP stays with a node whose speaker is away while the node lives: long enough for an upgrade or a crash loop's first
    /// rounds. Zero hands over at once.
    /// </summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long after the grace a node whose speaker stays silent is remembered: by then its addresses have been handed over.</summary>
    public TimeSpan Parting { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many nodes ask the kernel of one that is away at <see cref="CheckInterval"/>; the others ask less often.</summary>
    public int Watchers { get; init; } = 3;

    /// <summary>Between two questions to the kernel of a node whose speaker is silent.</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromMilliseconds(60);

    /// <summary>For how long an answer of a kernel counts. Five questions have been lost by then.</summary>
    public TimeSpan KernelGoodFor { get; init; } = TimeSpan.FromMilliseconds(350);

    /// <summary>Between two questions to a witness while all is well. Its last answer must be there to be missed.</summary>
    public TimeSpan WitnessInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long before the silence a witness may have answered last, to be missed: two of three questions may have been lost.</summary>
    public TimeSpan WitnessGoodFor { get; init; } = TimeSpan.FromSeconds(16);

    /// <summary>For how long nothing at all has come in, when a node that misses its witness stands down.</summary>
    public TimeSpan StandDownAfter { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Between two questions to whoever was found out already, and did not answer for a while.</summary>
    public TimeSpan SlowCheckInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Between two heartbeats to a peer that was lost, so that both notice at once when the segment is whole again; and one that still hears
    /// this node goes on knowing what it claims.
    /// </summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long a lost peer is looked for.</summary>
    public TimeSpan ProbeFor { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Between two requests for the claims of one peer, and between two answers to one.</summary>
    public TimeSpan RequestInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest time between two such requests, when none brought what it should.</summary>
    public TimeSpan LongestRequestInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a newcomer waits for a peer's claims at most before it acts without them.</summary>
    public TimeSpan ClaimPatience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The most peers of one segment; the (theoretical) rest is refused and counted.</summary>
    public int MaxPeers { get; init; } = 1024;

    /// <summary>
    /// Whether a large segment keeps company in a ring. False speaks as versions before that did, which keep it with everybody: for tests of
    /// both on one segment.
    /// </summary>
    public bool Ring { get; init; } = true;

    /// <summary>How many heartbeats a second go to peers that were lost, at most: with more than a handful each gets its own less often than every <see cref="ProbeInterval"/>.</summary>
    public int ProbesPerSecond { get; init; } = 40;

    /// <summary>How long to wait after a request for claims before the next: the first few follow each other closely, since frames get lost; then twice as long each time.</summary>
    /// <param name="requests">How many there were, at least 1.</param>
    public TimeSpan RequestAfter(int requests) => requests <= 4
        ? RequestInterval
        : TimeSpan.FromTicks(Math.Min(LongestRequestInterval.Ticks, RequestInterval.Ticks << Math.Min(requests - 4, 20)));

    /// <summary>How long a node that was lost so often lately holds back: 2 s, 4 s, 8 s … one minute.</summary>
    /// <param name="losses">At least 0; 0 holds for nothing.</param>
    public TimeSpan HoldFor(int losses) =>
        losses <= 0 ? TimeSpan.Zero
        : losses > 30 ? LongestHold
        : TimeSpan.FromTicks(Math.Min(LongestHold.Ticks, FirstHold.Ticks * (1L << (losses - 1))));
}
