using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.ListWatch;

namespace LoadBalancer.Controller.Assigning;

/// <summary>
/// Another program that changes a Service's status again each time it was put right. Neither can know that the other is wrong, so this one
/// gives way: the first changes are answered at once, the next ones later and later, and at once again when the other has been quiet for
/// as many minutes as it was answered late.
/// </summary>
internal sealed class StatusContention(TimeProvider time)
{
    /// <summary>So many changes within <see cref="Window"/> are put right at once: a migration or a hand's slip is no contention.</summary>
    internal const int Tolerated = 3;

    /// <summary>The time within which changes are counted, and the quiet that makes the next wait one step shorter.</summary>
    internal static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    /// <summary>5 s after the first change too many, twice as long after each further one, at most 5 minutes.</summary>
    internal static readonly Backoff Waits = new(TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5));

    // Where the wait is the longest: 5 s × 2^6.
    private const int HighestStep = 7;

    private readonly Queue<long> changes = new(Tolerated);
    private long changedAt;
    private long rightSince;
    private bool isRight;
    private int step;

    /// <summary>Whether the status is put right with a delay.</summary>
    public bool IsOn => step > 0;

    /// <summary>Whether it was told.</summary>
    public bool IsTold { get; private set; }

    /// <summary>Who wrote last, as the server names it; empty if it does not.</summary>
    public string Writer { get; private set; } = "";

    /// <summary>What the Service is to have while the status shows something else.</summary>
    public Assignment? Wanted { get; private set; }

    /// <summary>Since when it is on, by the clock's timestamp.</summary>
    public long Since { get; private set; }

    /// <summary>When it was last told.</summary>
    public long LastTold { get; set; }

    /// <summary>The status was changed by another.</summary>
    /// <param name="writer">Who did, or empty.</param>
    /// <param name="wanted">What the Service is to have.</param>
    public void Altered(string writer, Assignment? wanted)
    {
        Writer = writer.Length > 0 ? writer : Writer;
        if (IsOn && !isRight)
        {
            return; // While it is waited, what the status shows is the other's business.
        }

        Decay();
        isRight = false;
        Wanted = wanted;
        changedAt = time.GetTimestamp();
        while (changes.TryPeek(out var oldest) && time.GetElapsedTime(oldest, changedAt) >= Window)
        {
            changes.Dequeue();
        }

        if (IsOn || changes.Count >= Tolerated)
        {
            Since = IsOn ? Since : changedAt;
            step = Math.Min(step + 1, HighestStep);
            changes.Clear();
        }
        else
        {
            changes.Enqueue(changedAt);
        }
    }

    /// <summary>How long the status is to be left as it is; zero if it may be put right now.</summary>
    /// <param name="wanted">What the Service is to have. Something else than before is the user's will, and is written at once.</param>
    public TimeSpan WaitFor(Assignment? wanted)
    {
        if (!IsOn || !Equals(wanted, Wanted))
        {
            Wanted = wanted;
            return TimeSpan.Zero;
        }

        var left = Waits.After(step, 0) - time.GetElapsedTime(changedAt);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>It is being put right; whether or not that succeeds, the next time waits.</summary>
    public void Sent() => changedAt = time.GetTimestamp();

    /// <summary>The status is as it is to be.</summary>
    /// <returns>How long it must stay so until nothing of this is left.</returns>
    public TimeSpan Right()
    {
        if (!isRight)
        {
            isRight = true;
            rightSince = time.GetTimestamp();
        }

        Decay();
        return IsOn ? (step * Window) - time.GetElapsedTime(rightSince) : TimeSpan.Zero;
    }

    /// <summary>It is told now.</summary>
    public void Tell()
    {
        IsTold = true;
        LastTold = time.GetTimestamp();
    }

    private void Decay()
    {
        if (!isRight || !IsOn)
        {
            return;
        }

        var quiet = (int)Math.Min(HighestStep, time.GetElapsedTime(rightSince) / Window);
        step = Math.Max(0, step - quiet);
        rightSince += (long)(quiet * Window.TotalSeconds * time.TimestampFrequency);
    }
}
