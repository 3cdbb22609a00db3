using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <summary>What others say of a peer that is none of this node's neighbours, and what is believed of it.</summary>
internal sealed class PeerRumor
{
    /// <summary>How long whoever knows better has to say so. A frame there and one back take a fraction of it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    // Frames of one beat reach the others at slightly different times.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(50);

    // Those who ask a kernel say that it is silent later than this after its last answer.
    private static readonly TimeSpan AnswerHolds = TimeSpan.FromMilliseconds(200);

    // The last signs of life that those who miss it know of: of its speaker and of its kernel.
    private TimeSpan heardUntil;
    private TimeSpan answeredUntil;

    // Who last missed it, and when that was said.
    private ulong missedBy;
    private TimeSpan missedAt = TimeSpan.MinValue;

    /// <summary>When anybody else last heard it, as far as was told. What speaks against a word may come before it.</summary>
    public TimeSpan OthersHeardAt { get; private set; } = TimeSpan.MinValue;

    /// <summary>What is believed: that it is away, or silent; null while it is taken to serve.</summary>
    public WordKind? Accepted { get; private set; }

    /// <summary>What was said and is not believed yet.</summary>
    public WordKind? Pending { get; private set; }

    /// <summary>When <see cref="Pending"/> is believed unless somebody contradicts.</summary>
    public TimeSpan MaturesAt { get; private set; }

    /// <summary>Whether anybody misses it.</summary>
    public bool IsBad => Pending is not null || Accepted is not null;

    /// <summary>Until when it counts as deaf, by the word of those that found it so.</summary>
    public TimeSpan DeafUntil { get; set; }

    /// <summary>Until when it counts as away although it speaks, by the word of those that found that its kernel hears and its speaker does not.</summary>
    public TimeSpan AwayUntil { get; set; }

    /// <summary>The highest of its sequence numbers that anybody told of.</summary>
    public ulong Sequence { get; set; }

    /// <summary>Somebody else heard it then.</summary>
    public void HeardBy(TimeSpan heardAt) => OthersHeardAt = Later(heardAt, OthersHeardAt);

    /// <summary>
    /// One of its neighbours hears neither its speaker nor its kernel. When two say so, it is as good as deaf if it says itself that it hears
    /// nothing; one may have lost its frames.
    /// </summary>
    public void MissedBy(ulong teller, TimeSpan now, TimeSpan goodFor)
    {
        DeafUntil = missedBy != teller && WasMissed(now, goodFor) ? now + goodFor : DeafUntil;
        (missedBy, missedAt) = (teller, now);
    }

    /// <summary>Whether a neighbour missed it a moment ago.</summary>
    public bool WasMissed(TimeSpan now, TimeSpan within) => now < missedAt + within;

    /// <summary>Somebody misses it.</summary>
    /// <param name="word">What is said.</param>
    /// <param name="heardAt">When this node last heard it itself.</param>
    /// <param name="heardSequence">Which number that had.</param>
    /// <param name="leastSilence">For how long nobody has heard it when those that miss it first believe that.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>Whether that is news.</returns>
    public bool Miss(in PeerWord word, TimeSpan heardAt, ulong heardSequence, TimeSpan leastSilence, TimeSpan now)
    {
        var isHearsay = word.Age is null;
        var lastSign = now - (word.Age ?? TimeSpan.Zero);
        if (isHearsay ? word.Sequence < heardSequence || now < OthersHeardAt + leastSilence : Later(heardAt, OthersHeardAt) > lastSign + Slack)
        {
            return false;
        }

        var before = Pending ?? Accepted;
        var answeredAt = now - word.KernelAge;
        if (word.Kind == WordKind.Away && before == WordKind.Silent)
        {
            // Only an answer of its kernel that came later speaks against that.
            Pending = Pending == before && answeredAt > answeredUntil + Slack ? Accepted is null ? WordKind.Away : null : Pending;
            return false;
        }

        if (word.Kind == WordKind.Silent && before == WordKind.Away && answeredUntil > now - AnswerHolds)
        {
            // Whoever says so has lost its question, or the answer, that others got.
            return false;
        }

        heardUntil = !isHearsay && lastSign > heardUntil ? lastSign : heardUntil;
        answeredUntil = answeredAt > answeredUntil ? answeredAt.Value : answeredUntil;
        if (word.Kind == before)
        {
            return false;
        }

        Pending = word.Kind;
        MaturesAt = now + Patience;
        return true;
    }

    /// <summary>Somebody has heard it so long ago: if that was after it was missed, it was missed wrongly.</summary>
    public void Contradict(TimeSpan heardAt)
    {
        HeardBy(heardAt);
        if (heardAt > heardUntil + Slack)
        {
            Pending = null;
        }
    }

    private static TimeSpan Later(TimeSpan a, TimeSpan b) => a > b ? a : b;

    /// <summary>What was said is believed from now on.</summary>
    public void Mature()
    {
        Accepted = Pending;
        Pending = null;
    }

    /// <summary>This node sees it so itself, and takes others' word from now on.</summary>
    public void Adopt(WordKind? kind)
    {
        Accepted = kind;
        Pending = null;
    }

    /// <summary>It was heard.</summary>
    public void End()
    {
        Accepted = null;
        Pending = null;
    }

    /// <summary>The process stood still: whoever contradicted may not have been read yet.</summary>
    public void Excuse(TimeSpan gap) => MaturesAt += gap;
}
