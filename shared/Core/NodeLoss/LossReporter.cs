using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Core.NodeLoss;

/// <summary>A peer that is gone from a segment: its speaker is silent and its kernel was asked in vain.</summary>
/// <param name="Node">The node.</param>
/// <param name="Boot">The run of its speaker that fell silent.</param>
/// <param name="Asked">The address its kernel was asked for.</param>
/// <param name="HeardAt">When something of it was last heard.</param>
/// <param name="Watchers">The living nodes that asked its kernel as this one did, and may say so: on a large segment its neighbours.</param>
public readonly record struct GonePeer(string Node, ulong Boot, IpAddress Asked, TimeSpan HeardAt, IReadOnlyList<string> Watchers);

/// <summary>Who is gone from a segment and who is there, as this node sees it.</summary>
/// <param name="Gone">The peers that are gone.</param>
/// <param name="Living">The nodes of the peers that are heard.</param>
/// <param name="Agreed">Whether every one of them hears whom this node hears, and none has an answer of a kernel that this node lacks.</param>
/// <param name="Witnessed">Whether a host that is no peer answered this node after the last of the gone was last heard.</param>
/// <param name="Compared">How many living nodes' word <paramref name="Agreed"/> rests on: all of them, on a large segment this node's neighbours.</param>
public sealed record SegmentLosses(IReadOnlyList<GonePeer> Gone, IReadOnlyList<string> Living, bool Agreed, bool Witnessed, int Compared);

/// <summary>
/// Decides which losses this node's speaker states. All living peers of the segment must see it so; then the first in the election order
/// says it, and the next ones after a while each if nothing is to be seen of that: the first may not reach the API server. One thread at a time.
/// </summary>
/// <param name="self">This node.</param>
public sealed class LossReporter(string self)
{
    /// <summary>How long the next in the order waits for the one before it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);

    /// <summary>How long after the last sign a loss is stated: Kubernetes has long found it by then.</summary>
    public static readonly TimeSpan StatedFor = TimeSpan.FromMinutes(10);

    /// <summary>So many say it at the most.</summary>
    public const int MostReporters = 3;

    private readonly Dictionary<(string Node, ulong Boot), Entry> entries = [];

    /// <summary>What this node states now, in the order of the nodes' names.</summary>
    public IReadOnlyList<LossStatement> Statements { get; private set; } = [];

    /// <summary>Decides.</summary>
    /// <param name="segments">All segments of this node.</param>
    /// <param name="internalAddresses">The addresses of type InternalIP of a Node; none of one that is not known.</param>
    /// <param name="isStated">Whether another speaker states the loss already.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>When to decide again though nothing has changed, or null.</returns>
    public TimeSpan? Decide(
        IReadOnlyList<SegmentLosses> segments, Func<string, IReadOnlyList<IpAddress>> internalAddresses, Func<string, ulong, bool> isStated, TimeSpan now)
    {
        var found = new Dictionary<(string Node, ulong Boot), (SegmentLosses Segment, GonePeer Peer)>();
        foreach (var segment in segments.Where(static segment => IsBacked(segment)))
        {
            foreach (var gone in segment.Gone)
            {
                if (now - gone.HeardAt < StatedFor && !segments.Any(other => other.Living.Contains(gone.Node))
                    && internalAddresses(gone.Node).Contains(gone.Asked))
                {
                    found.TryAdd((gone.Node, gone.Boot), (segment, gone));
                }
            }
        }

        foreach (var key in entries.Keys.Where(key => !found.ContainsKey(key)).ToList())
        {
            entries.Remove(key);
        }

        TimeSpan? deadline = null;
        foreach (var (key, (segment, gone)) in found)
        {
            if (!entries.TryGetValue(key, out var entry))
            {
                var rank = RankOf(gone);
                entries.Add(key, entry = new Entry { DueAt = rank < MostReporters ? now + (rank * Patience) : TimeSpan.MaxValue });
            }

            if (entry.Statement is null && now >= entry.DueAt && !isStated(key.Node, key.Boot))
            {
                entry.Statement = new LossStatement(key.Node, key.Boot, gone.Asked, segment.Compared + 1, segment.Witnessed, now - gone.HeardAt);
            }
            else if (entry.Statement is null && entry.DueAt > now && !(deadline < entry.DueAt) && entry.DueAt != TimeSpan.MaxValue)
            {
                deadline = entry.DueAt;
            }
        }

        Statements = [.. entries.Values.Select(static entry => entry.Statement).OfType<LossStatement>().OrderBy(static s => s.Node, StringComparer.Ordinal)];
        return deadline;
    }

    // The word of one is not enough: it takes a second that lives, or a witness that shows that it is not this node that is cut off.
    private static bool IsBacked(SegmentLosses segment) => segment.Living.Count > 0 ? segment.Agreed && segment.Compared > 0 : segment.Witnessed;

    private int RankOf(in GonePeer gone)
    {
        var asked = gone.Asked;
        var own = Election.Rank(self, asked);
        return gone.Watchers.Distinct(StringComparer.Ordinal).Count(node => Election.Rank(node, asked) < own);
    }

    private sealed class Entry
    {
        public TimeSpan DueAt { get; init; }

        public LossStatement? Statement { get; set; }
    }
}
