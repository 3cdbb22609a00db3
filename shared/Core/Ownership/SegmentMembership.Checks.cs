using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <summary>A question to the kernel of a node whose speaker is silent: who has its address?</summary>
/// <param name="Mac">The node's hardware address.</param>
/// <param name="Address">Its address on the segment, of either family.</param>
/// <param name="Broadcast">Whether to ask everybody: the node's hardware may have been replaced.</param>
public readonly record struct CheckTarget(MacAddress Mac, IpAddress Address, bool Broadcast);

/// <content>The kernels of silent peers, and of those that do not hear, are asked for their addresses.</content>
public sealed partial class SegmentMembership
{
    private static readonly TimeSpan AnswersMatterFor = TimeSpan.FromSeconds(1);

    private int asked;
    private TimeSpan answersUntil;

    /// <summary>Whether somebody is being asked, so that answers matter.</summary>
    public bool Checking { get; private set; }

    /// <summary>Whether the kernel of any peer is being asked, so that whatever it says matters.</summary>
    public bool AsksPeers => asked > 0;

    /// <summary>Fills in which kernels to ask now, and which witnesses.</summary>
    /// <returns>Their number; what finds no room is left out.</returns>
    public int Checks(TimeSpan now, Span<CheckTarget> targets)
    {
        var count = 0;
        foreach (var peer in Peers)
        {
            if (!(IsSilent(peer, now) || (HasStaleEcho(peer, now) && !IsJustMet(peer, now))) || now < CheckDue(peer, now) || count == targets.Length
                || peer.KernelAddress is not { } address)
            {
                continue;
            }

            asked += peer.Kernel.Ask(now) ? 1 : 0;
            targets[count++] = new CheckTarget(peer.Mac, address, Broadcast: false);
            if (AsksEverybody(peer, now) && count < targets.Length)
            {
                targets[count++] = new CheckTarget(peer.Mac, address, Broadcast: true);
            }
        }

        count += AskWitnesses(now, targets[count..]);
        if (count > 0)
        {
            askedSince ??= routineAskedAt is null ? now : null;
            answersUntil = now + AnswersMatterFor;
        }

        Checking = asked > 0 || now < answersUntil;
        return count;
    }

    /// <summary>A host was heard to say that it has an address: if that is a silent peer's, its node lives.</summary>
    /// <param name="mac">Its hardware address.</param>
    /// <param name="address">The address.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="answers">Whether it answered a question, which shows that it hears; one who asks only speaks.</param>
    /// <returns>Whether <see cref="View"/> changed.</returns>
    public bool HearKernel(MacAddress mac, IpAddress address, TimeSpan now, bool answers = true)
    {
        var changed = HearHost(mac, address, now, answers);
        foreach (var peer in Peers)
        {
            if (peer.Mac == mac && peer.Kernel.Since is not null && peer.KernelAddress == address)
            {
                peer.Kernel.Hear(now, answers);
                changed |= Follow(peer, now);
            }
        }

        return changed;
    }

    // It had no time yet to hear this node and to say so.
    private static bool IsJustMet(Peer peer, TimeSpan now) => now < peer.OnWireSince + SuspectAfter(peer.GoodFor);

    private bool KernelAnswers(Peer peer, TimeSpan now) =>
        peer.Kernel.Since is not null && peer.Kernel.Speaks(now, KernelGoodFor(peer, now));

    // As many questions as anybody else's have been lost by then. Who has only begun to ask often has had no time to.
    private TimeSpan KernelGoodFor(Peer peer, TimeSpan now) =>
        peer.OnWire || now - peer.Kernel.AskedOftenSince >= timings.KernelGoodFor
            ? timings.KernelGoodFor
            : timings.KernelGoodFor * (timings.SlowCheckInterval / timings.CheckInterval / 2);

    private void FollowChecks(Peer peer, TimeSpan now) =>
        peer.Kernel.FollowPace(often: peer.Kernel.Since is not null && (peer.OnWire || Watches(peer)), now);

    private bool KernelHears(Peer peer, TimeSpan now) => peer.Kernel.Hears(now, timings.KernelGoodFor);

    // One broadcast a loss, from one node of the segment.
    private bool AsksEverybody(Peer silent, TimeSpan now)
    {
        if (!silent.OnWire || HasStaleEcho(silent, now) || silent.Kernel.Since + timings.CheckInterval > now || silent.Kernel.Since + (2 * timings.CheckInterval) <= now)
        {
            return false;
        }

        if (HasDistant)
        {
            return RankAround(silent) == 0;
        }

        foreach (var peer in Peers)
        {
            if (peer.IsServing && peer != silent && string.CompareOrdinal(peer.Identity.Node, identity.Node) < 0)
            {
                return false;
            }
        }

        return true;
    }

    // Who goes on speaking is asked less often once it is known what it is about; who is away, by a few.
    private TimeSpan CheckDue(Peer peer, TimeSpan now)
    {
        var isSettled = peer.OnWire ? HasStaleEcho(peer, now) && !peer.IsAway : !Watches(peer);
        return (peer.Kernel.AskedAt + (isSettled && now - peer.Kernel.Since > timings.StandDownAfter ? timings.SlowCheckInterval : timings.CheckInterval)) ?? now;
    }

    // Another few for each node, the same for all that look.
    private bool Watches(Peer away) => RankAround(away) < timings.Watchers;

    private void AskNoMore(Peer peer)
    {
        asked -= peer.Kernel.End() ? 1 : 0;
    }
}
