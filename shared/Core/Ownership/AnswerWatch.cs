using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <summary>A question on the wire: does the owner answer for the VIP?</summary>
/// <param name="Vip">The VIP.</param>
/// <param name="Mac">The owner's hardware address, which is asked.</param>
public readonly record struct AnswerQuestion(IpAddress Vip, MacAddress Mac);

/// <summary>
/// Looks whether what peers claim is true: their heartbeats may be fine while their answers are not. The first in line to succeed an
/// owner asks it for the VIP, a second after it took over and now and then afterwards; six questions without an answer, and the
/// owner is doubted: where one frame of twenty is lost, three in a row bring none every few minutes. One thread at a time; only <see cref="Answered"/> may be called from another, and waits for nobody.
/// </summary>
public sealed class AnswerWatch
{
    private const int Misses = 6;
    private static readonly TimeSpan AfterTakeOver = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(10);

    // By one node on one link: a hundred VIPs are gone through in ten seconds, a thousand in a hundred.
    private const int QuestionsPerWindow = 10;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    // More than are asked while an answer is waited for. The thread that hears answers looks through these, and nothing else.
    private const int MostOutstanding = 32;

    private readonly Question?[] outstanding = new Question?[MostOutstanding];
    private readonly Dictionary<IpAddress, Entry> entries = [];
    private readonly PriorityQueue<IpAddress, TimeSpan> due = new();
    private readonly List<IpAddress> gone = [];
    private TimeSpan windowEnd;
    private int left = QuestionsPerWindow;
    private long pass;
    private uint asked;
    private bool lingers;

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

    /// <summary>This node is to watch a VIP no more; outside a pass over all.</summary>
    public void Unwatch(IpAddress vip) => entries.Remove(vip);

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

        // What is doubted no more is to be said once more.
        var doubts = HasDoubts && entries.Values.Any(static entry => entry.Missed >= Misses);
        HasDoubts = doubts || lingers;
        lingers = doubts;
    }

    /// <summary>The owner of a VIP that does not answer for it, or null.</summary>
    public string? Doubted(IpAddress vip) => entries.TryGetValue(vip, out var entry) && entry.Missed >= Misses && entry.Question is not { IsAnswered: true } ? entry.Owner : null;

    /// <summary>Whether the owner of any VIP is doubted, or was a moment ago.</summary>
    public bool HasDoubts { get; private set; }

    /// <summary>Somebody answered for a VIP: that counts if it was asked just before. From any thread.</summary>
    public void Answered(IpAddress vip, MacAddress mac)
    {
        for (var i = 0; i < outstanding.Length; i++)
        {
            if (Volatile.Read(ref outstanding[i]) is { } question && question.Vip == vip && question.Mac == mac)
            {
                question.IsAnswered = true;
            }
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

            var answered = entry.Question is { IsAnswered: true };
            entry.Missed = answered ? 0 : entry.Missed + (entry.Question is null ? 0 : 1);
            if (entry.Missed >= Misses)
            {
                HasDoubts = lingers = true;
            }

            entry.Question = answered ? null : new Question(vip, entry.Mac);
            entry.Due = now + (answered ? Usual : Patience);
            due.Enqueue(vip, entry.Due);
            if (entry.Question is { } question)
            {
                left--;
                Volatile.Write(ref outstanding[asked++ % MostOutstanding], question);
                return new AnswerQuestion(vip, entry.Mac);
            }
        }

        return null;
    }

    /// <summary>When <see cref="Next"/> or <see cref="Doubted"/> may have something new.</summary>
    public TimeSpan? NextDue => !due.TryPeek(out _, out var at) ? null : left > 0 || at > windowEnd ? at : windowEnd;

    private sealed class Question(IpAddress vip, MacAddress mac)
    {
        private volatile bool isAnswered;

        public IpAddress Vip { get; } = vip;

        public MacAddress Mac { get; } = mac;

        public bool IsAnswered
        {
            get => isAnswered;
            set => isAnswered = value;
        }
    }

    private sealed class Entry(string owner, MacAddress mac)
    {
        public string Owner { get; } = owner;

        public MacAddress Mac { get; } = mac;

        public long Pass { get; set; }

        public TimeSpan Due { get; set; }

        /// <summary>The last that was asked; null while none is waited for.</summary>
        public Question? Question { get; set; }

        /// <summary>How many in a row brought no answer.</summary>
        public int Missed { get; set; }
    }
}
