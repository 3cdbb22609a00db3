using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <summary>A question on the wire: does the owner answer for the VIP?</summary>
/// <param name="Vip">The VIP.</param>
/// <param name="Mac">The owner's hardware address, which is asked.</param>
public readonly record struct AnswerQuestion(IpAddress Vip, MacAddress Mac);

/// <summary>
/// Looks whether what peers claim is true: their heartbeats may be fine while their answers are not. The first in line to succeed an
/// owner asks it for the VIP, a second after it took over and now and then afterwards; three questions without an answer, and the
/// owner is doubted. One thread at a time.
/// </summary>
public sealed class AnswerWatch
{
    private const int Misses = 3;
    private static readonly TimeSpan AfterTakeOver = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(10);

    // By one node on one link: a hundred VIPs are gone through in ten seconds, a thousand in a hundred.
    private const int QuestionsPerWindow = 10;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    private readonly Dictionary<IpAddress, Entry> entries = [];
    private readonly PriorityQueue<IpAddress, TimeSpan> due = new();
    private readonly List<IpAddress> gone = [];
    private TimeSpan windowEnd;
    private int left = QuestionsPerWindow;
    private long pass;

    /// <summary>Whether an answer is waited for.</summary>
    public bool Waits { get; private set; }

    /// <summary>A pass over all VIPs begins.</summary>
    public void Begin() => pass++;

    /// <summary>This node is to watch a VIP.</summary>
    public void Watch(IpAddress vip, string owner, MacAddress mac, TimeSpan now)
    {
        if (entries.TryGetValue(vip, out var entry) && entry.Owner == owner && entry.Mac == mac)
        {
            entry.Pass = pass;
            return;
        }

        entries[vip] = new Entry(owner, mac) { Pass = pass, Due = now + AfterTakeOver };
        due.Enqueue(vip, now + AfterTakeOver);
    }

    /// <summary>The pass is over: what was not named in it is watched no more.</summary>
    public void End()
    {
        gone.Clear();
        foreach (var (vip, entry) in entries)
        {
            if (entry.Pass != pass)
            {
                gone.Add(vip);
            }
        }

        gone.ForEach(vip => entries.Remove(vip));
        Waits = entries.Count > 0;
    }

    /// <summary>The owner of a VIP that does not answer for it, or null.</summary>
    public string? Doubted(IpAddress vip) => entries.TryGetValue(vip, out var entry) && entry.Missed >= Misses ? entry.Owner : null;

    /// <summary>Somebody answered for a VIP.</summary>
    public void Answered(IpAddress vip, MacAddress mac)
    {
        if (entries.TryGetValue(vip, out var entry) && entry.Mac == mac)
        {
            entry.State = QuestionState.Answered;
            entry.Missed = 0;
        }
    }

    /// <summary>The next question that is due, or null.</summary>
    public AnswerQuestion? Next(TimeSpan now)
    {
        if (now >= windowEnd)
        {
            windowEnd = now + Window;
            left = QuestionsPerWindow;
        }

        while (left > 0 && due.TryPeek(out var vip, out var at) && at <= now)
        {
            due.Dequeue();
            if (!entries.TryGetValue(vip, out var entry) || entry.Due != at)
            {
                continue;
            }

            var answered = entry.State == QuestionState.Answered;
            entry.Missed += entry.State == QuestionState.Asked ? 1 : 0;
            entry.State = answered ? QuestionState.None : QuestionState.Asked;
            entry.Due = now + (answered ? Usual : Patience);
            due.Enqueue(vip, entry.Due);
            if (!answered)
            {
                left--;
                return new AnswerQuestion(vip, entry.Mac);
            }
        }

        return null;
    }

    /// <summary>When <see cref="Next"/> or <see cref="Doubted"/> may have something new.</summary>
    public TimeSpan? NextDue => !due.TryPeek(out _, out var at) ? null : left > 0 || at > windowEnd ? at : windowEnd;

    private enum QuestionState
    {
        None,
        Asked,
        Answered,
    }

    private sealed class Entry(string owner, MacAddress mac)
    {
        public string Owner { get; } = owner;

        public MacAddress Mac { get; } = mac;

        public long Pass { get; set; }

        public TimeSpan Due { get; set; }

        public QuestionState State { get; set; }

        public int Missed { get; set; }
    }
}
