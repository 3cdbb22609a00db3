namespace LoadBalancer.Core.NodeLoss;

/// <summary>What became of a loss.</summary>
public enum LossOutcome
{
    /// <summary>It was judged and not acted upon; it counts for the brake.</summary>
    Seen,

    /// <summary>A replica is marking the pods.</summary>
    Marking,

    /// <summary>The pods are marked.</summary>
    Marked,

    /// <summary>They were marked, and the node was alive.</summary>
    FalseAlarm,

    /// <summary>They were marked, and the node is back: what is said of it from now on is another loss, also of the same run of its speaker.</summary>
    Returned,
}

/// <summary>An entry of the record that all replicas share of losses.</summary>
/// <param name="Node">The node.</param>
/// <param name="Boot">The run of its speaker that fell silent.</param>
/// <param name="Outcome">What became of it.</param>
public readonly record struct LossEntry(string Node, ulong Boot, LossOutcome Outcome);

/// <summary>
/// What a replica has seen in the shared record, and when by its own clock: clocks of other machines are never compared. What it finds
/// when it starts counts as if it had happened then, so that a restart brakes longer, never shorter. One thread at a time.
/// </summary>
public sealed class LossRecord
{
    /// <summary>An entry is kept for this long: longer than anything looks back.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(15);

    private readonly Dictionary<(string Node, ulong Boot), (LossEntry Entry, TimeSpan SeenAt, TimeSpan ChangedAt)> entries = [];

    /// <summary>The entries, the oldest first.</summary>
    public IEnumerable<LossEntry> Entries => entries.Values.OrderBy(static e => e.SeenAt).ThenBy(static e => e.Entry.Node, StringComparer.Ordinal).Select(static e => e.Entry);

    /// <summary>Makes what the shared record holds known.</summary>
    /// <param name="found">Its entries.</param>
    /// <param name="now">Monotonic time.</param>
    public void Observe(IEnumerable<LossEntry> found, TimeSpan now)
    {
        var present = new HashSet<(string, ulong)>();
        foreach (var entry in found)
        {
            var key = (entry.Node, entry.Boot);
            present.Add(key);
            if (!entries.TryGetValue(key, out var known))
            {
                entries.Add(key, (entry, now, now));
            }
            else if (known.Entry.Outcome != entry.Outcome)
            {
                entries[key] = (entry, known.Entry.Outcome == LossOutcome.Returned ? now : known.SeenAt, now);
            }
        }

        foreach (var key in entries.Keys.Where(key => !present.Contains(key)).ToList())
        {
            entries.Remove(key);
        }
    }

    /// <summary>What became of a loss, and when that was seen; null if it is not recorded.</summary>
    public (LossOutcome Outcome, TimeSpan At)? Find(string node, ulong boot) =>
        entries.TryGetValue((node, boot), out var known) ? (known.Entry.Outcome, known.ChangedAt) : null;

    /// <summary>The nodes lost within <see cref="LossJudge.BrakeWindow"/>.</summary>
    public IEnumerable<string> LostLately(TimeSpan now) =>
        entries.Values.Where(e => now - e.SeenAt < LossJudge.BrakeWindow).Select(static e => e.Entry.Node).Distinct(StringComparer.Ordinal);

    /// <summary>How long ago the node was last marked wrongly; null if it was not.</summary>
    public TimeSpan? FalseAlarmAge(string node, TimeSpan now)
    {
        TimeSpan? youngest = null;
        foreach (var (entry, _, changedAt) in entries.Values)
        {
            if (entry.Outcome == LossOutcome.FalseAlarm && entry.Node == node && !(now - changedAt >= youngest))
            {
                youngest = now - changedAt;
            }
        }

        return youngest;
    }

    /// <summary>The entries with one more or changed, without those that are too old to matter: what is to be written.</summary>
    public IReadOnlyList<LossEntry> With(LossEntry changed, TimeSpan now)
    {
        var kept = entries.Values
            .Where(e => now - e.ChangedAt < KeptFor && (e.Entry.Node != changed.Node || e.Entry.Boot != changed.Boot))
            .OrderBy(static e => e.SeenAt)
            .Select(static e => e.Entry);
        return [.. kept, changed];
    }
}
