using System.Runtime.InteropServices;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <content>
/// What speakers say of each other on a large segment. Whoever misses a neighbour says so to all; whoever has heard it meanwhile, and the
/// missed one itself, contradicts; otherwise it is lost for everybody at the same time. What all know goes round with the heartbeats besides.
/// </content>
public sealed partial class SegmentMembership
{
    /// <summary>The most words of one message; what finds no room comes with the next.</summary>
    public const int MostWords = 24;

    // All peers are gone through in two seconds.
    private const int LeastGossip = 8;
    private const int GossipRounds = 20;

    // Frames of one beat reach the others at slightly different times.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan DeafFor = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan FirstInquiry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestInquiry = TimeSpan.FromMinutes(1);

    private readonly List<(Peer Peer, WordKind Kind)> urgent = [];
    private readonly HashSet<ulong> siblings = [];
    private int gossipAt;
    private bool isMissed;
    private bool hearsOfStrangers;
    private TimeSpan inquireAt;
    private TimeSpan inquiryInterval = FirstInquiry;

    /// <summary>Whether everybody is to be told something now, by a hello: what <see cref="TakeUrgent"/> has, or that this node lives.</summary>
    public bool HasUrgent => urgent.Count > 0 || isMissed;

    /// <summary>Whether the next hello asks everybody for an answer: others know speakers that this node has never heard.</summary>
    public bool Inquires(TimeSpan now) => hearsOfStrangers && now >= inquireAt;

    /// <summary>Takes out what is to be said with a hello.</summary>
    /// <param name="words">Receives it; at most <see cref="MostWords"/>.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>The number of words.</returns>
    public int TakeUrgent(Span<PeerWord> words, TimeSpan now)
    {
        var (count, taken) = (0, 0);
        foreach (var (peer, kind) in CollectionsMarshal.AsSpan(urgent))
        {
            if (count == words.Length)
            {
                break;
            }

            // What had to wait may be true no longer.
            taken++;
            if (kind == WordKind.Heard ? peer.OnWire : peer.Said == kind)
            {
                words[count++] = WordOn(peer, kind, now);
            }
        }

        urgent.RemoveRange(0, taken);
        isMissed = false;
        return count;
    }

    /// <summary>An inquiry was made: the next is later, unless somebody new is heard.</summary>
    public void Inquired(TimeSpan now)
    {
        hearsOfStrangers = false;
        inquireAt = now + inquiryInterval;
        inquiryInterval = inquiryInterval < LongestInquiry ? 2 * inquiryInterval : inquiryInterval;
    }

    /// <summary>What the next heartbeats say of others: a part of the peers in turn.</summary>
    /// <param name="words">Receives it; at most <see cref="MostWords"/>.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>The number of words.</returns>
    public int NextGossip(Span<PeerWord> words, TimeSpan now)
    {
        if (!HasDistant || HearsNobody(now))
        {
            return 0;
        }

        var most = Math.Min(words.Length, Math.Max(peers.Count / GossipRounds, LeastGossip));
        var count = 0;
        for (var seen = 0; seen < peers.Count && count < most; seen++)
        {
            var peer = peers[gossipAt++ % peers.Count];
            if (peer.IsKnown && (peer.IsHere || IsMissed(peer, now)))
            {
                words[count++] = WordOn(peer, KindOf(peer), now);
            }
        }

        gossipAt %= Math.Max(1, peers.Count);
        return count;
    }

    // One that has only begun does not serve, and is heard all the same.
    private static WordKind KindOf(Peer peer) =>
        peer.Deaf ? WordKind.Deaf
        : peer.OnWire && !(peer.IsAway && peer.Says(SpeakerState.HearsNothing)) ? WordKind.Heard
        : peer.IsAway ? WordKind.Away : WordKind.Silent;

    private static PeerWord WordOn(Peer peer, WordKind kind, TimeSpan now)
    {
        // Who has only heard of it says no age.
        var isHearsay = !peer.Near && kind is (WordKind.Away or WordKind.Silent);
        return new PeerWord(
            peer.Id, kind, peer.Run.Boot, Math.Max(peer.Run.Sequence, peer.Rumor.Sequence), peer.Flags, peer.Claims.Digest,
            isHearsay ? null : now - peer.HeardAt, peer.Kernel.Since is null ? null : now - peer.Kernel.HeardAt);
    }

    // True if everybody is to be told something at once.
    private bool TakeWords(Peer teller, in HeartbeatFrame frame, TimeSpan now, out bool changed)
    {
        changed = false;
        var words = frame.Words;
        if (words.Count == 0 || !timings.Ring)
        {
            return false;
        }

        var said = urgent.Count;
        var missed = isMissed;
        for (var i = 0; i < words.Count; i++)
        {
            changed |= TakeWord(teller, words[i], frame.Kind == HeartbeatKind.Hello, now);
        }

        return urgent.Count > said || isMissed != missed;
    }

    private bool TakeWord(Peer teller, in PeerWord word, bool isUrgent, TimeSpan now)
    {
        if (word.Id == ownId)
        {
            isMissed |= isUrgent && word.Boot == ownBoot && word.Kind is WordKind.Silent or WordKind.Away;
            return false;
        }

        if (FindById(word.Id) is not { } peer)
        {
            hearsOfStrangers |= word.Kind == WordKind.Heard && !siblings.Contains(word.Id);
            return false;
        }

        if (peer == teller || !peer.IsKnown || teller.Says(SpeakerState.HearsNothing))
        {
            return false;
        }

        if (word.Boot != peer.Run.Boot)
        {
            // Another run that others have met: it is asked itself.
            peer.IsInquired |= word is { Kind: WordKind.Heard, Age: not null };
            return false;
        }

        var changed = peer.OnWire && TakeFacts(peer, word);
        return word.Kind switch
        {
            WordKind.Heard => TakeHeard(peer, word, now) | changed,
            WordKind.Away when SpeaksToTheFar(peer) => TakeAwayThoughItSpeaks(peer, now) | changed,
            WordKind.Away or WordKind.Silent => TakeMissed(teller, peer, word, isUrgent, now) | changed,
            WordKind.Deaf => TakeDeaf(peer, now) | changed,
            _ => changed,
        };
    }

    // What it says of itself and of its claims, later than this node has heard it.
    private static bool TakeFacts(Peer peer, in PeerWord word)
    {
        if (word.Sequence <= Math.Max(peer.Run.Sequence, peer.Rumor.Sequence))
        {
            return false;
        }

        peer.Rumor.Sequence = word.Sequence;
        var flags = word.Flags & HeartbeatFrame.KnownFlags;
        EndVouching(peer, flags);
        var changed = peer.Flags != flags || peer.Claims.Digest != word.ClaimDigest;
        peer.Flags = flags;
        peer.Claims.Digest = word.ClaimDigest;
        return changed;
    }

    private bool TakeMissed(Peer teller, Peer peer, in PeerWord word, bool isUrgent, TimeSpan now)
    {
        if (word is { Kind: WordKind.Silent, Age: not null })
        {
            peer.Rumor.MissedBy(teller.Id, now, DeafFor);
        }

        if (isUrgent && peer.OnWire && now - peer.HeardAt < SuspectAfter(peer.ToldGoodFor) && peer.HeardAt > now - (word.Age ?? TimeSpan.Zero) + Slack)
        {
            Contradict(peer, now);
            return false;
        }

        var kernelHeardAt = peer.Kernel.Since is null ? null : peer.Kernel.HeardAt;
        if (isUrgent && word.Kind == WordKind.Silent && kernelHeardAt > now - SuspectAfter(timings.KernelGoodFor))
        {
            Say(peer, WordKind.Away, now);
            return false;
        }

        // Another's answer of its kernel is as good as one to this node.
        if (peer.Near && now - word.KernelAge is { } answeredAt && answeredAt >= peer.Kernel.Since && !(kernelHeardAt > answeredAt))
        {
            peer.Kernel.Hear(answeredAt, answers: false);
            if (word.Kind == WordKind.Away)
            {
                return Follow(peer, now);
            }
        }

        return TakesOthersWord(peer, now) && peer.Rumor.Miss(word, peer.HeardAt, peer.Run.Sequence, peer.ToldGoodFor, now) && Follow(peer, now);
    }

    // Its hellos come in, in which it says that it hears nothing; its kernel does, as its neighbours found.
    private bool TakeAwayThoughItSpeaks(Peer peer, TimeSpan now)
    {
        peer.Rumor.AwayUntil = now + DeafFor;
        return Follow(peer, now);
    }

    private static bool SpeaksToTheFar(Peer peer) => peer is { OnWire: true, Near: false } && peer.Says(SpeakerState.HearsNothing);

    private bool TakeDeaf(Peer peer, TimeSpan now)
    {
        peer.Rumor.DeafUntil = now + DeafFor;
        return Follow(peer, now);
    }

    // Of its neighbours this node knows best itself, unless it has just become one, is the one who does not hear them, or leaves it to others to ask.
    private bool TakesOthersWord(Peer peer, TimeSpan now) =>
        !peer.Near || peer.NearSince > peer.HeardAt || now < peer.VouchedAt + VouchedFor || (peer is { OnWire: false, IsAway: true } && !Watches(peer));

    // What this node finds of its neighbours is said once: everybody hears it, and several say it.
    private void SayWhatIsMissed(Peer peer, TimeSpan now)
    {
        if (!peer.Near || !peer.IsKnown || HearsNobody(now) || IsSecluded)
        {
            return;
        }

        if ((peer.Deaf ? WordKind.Deaf : MissedAs(peer, now)) is { } kind && peer.Said != kind && (HasDistant || IsLeftToThisOne(peer, kind)))
        {
            Say(peer, kind, now);
        }
    }

    // Of a small segment everybody sees for itself what becomes of a peer; only the kernel of one that is away is asked by a few for all.
    private bool IsLeftToThisOne(Peer peer, WordKind kind) => timings.Ring && kind == WordKind.Silent && !peer.OnWire && Watches(peer);

    // Then it is not the others that are missing, and what this node says of them helps nobody. Who still hears other hosts may be told more.
    private bool HearsNobody(TimeSpan now) => now - peerHeardAt >= SuspectAfter(OwnGoodFor) && now - heardAt >= timings.CheckInterval;

    private WordKind? MissedAs(Peer peer, TimeSpan now)
    {
        if (!peer.IsHere || (peer.OnWire && now < SilentAt(peer)))
        {
            return peer.IsAway && SaysItIsDeaf(peer, now) ? WordKind.Away : null;
        }

        var silentFor = now - (peer.Kernel.Since is null ? null : peer.Kernel.HeardAt);
        return peer.OnWire
            ? KernelAnswers(peer, now) ? WordKind.Away : WordKind.Silent
            : silentFor < SilentAfter(KernelGoodFor(peer, now)) ? WordKind.Away
            : peer.Kernel.Since is not null ? WordKind.Silent : null;
    }

    private void Say(Peer peer, WordKind kind, TimeSpan now)
    {
        if (kind != WordKind.Heard)
        {
            peer.Said = kind;
            peer.SaidAt = now;
        }

        if (!urgent.Contains((peer, kind)))
        {
            urgent.Add((peer, kind));
        }
    }

    // Whoever knows better has had the time to say so.
    private bool WasSaid(Peer peer, TimeSpan now) =>
        !HasDistant || !peer.Near || HearsNobody(now) || (IsSaidToBeMissing(peer) && now >= peer.SaidAt + PeerRumor.Patience);

    // One that says that it hears nothing speaks seldom; while its kernel answers it is not missing.
    private static bool IsSaidToBeMissing(Peer peer) =>
        peer.Said == WordKind.Silent || (peer.Said == WordKind.Away && !peer.Says(SpeakerState.HearsNothing));

    // True if it is lost by what others say.
    private bool FollowRumor(Peer peer, TimeSpan now)
    {
        if (peer.Rumor.Pending is null || now < peer.Rumor.MaturesAt || (isBehind && now < peer.Rumor.MaturesAt + PeerRumor.Patience))
        {
            return false;
        }

        if (!TakesOthersWord(peer, now))
        {
            peer.Rumor.End();
            return false;
        }

        peer.Rumor.Mature();
        if (peer.Rumor.Accepted == WordKind.Silent)
        {
            AskNoMore(peer);
        }

        return peer.OnWire;
    }

    private Peer? FindById(ulong id)
    {
        foreach (var peer in Peers)
        {
            if (peer.Id == id)
            {
                return peer;
            }
        }

        return null;
    }

    private static void Extend(Peer peer, TimeSpan until) => peer.ExpiresAt = until > peer.ExpiresAt ? until : peer.ExpiresAt;
}
