namespace LoadBalancer.Core.Addressing;

/// <summary>
/// An immutable set of addresses of both families, kept as the fewest ranges: ascending, disjoint, none adjacent to the next.
/// Costs grow with the number of ranges, never with the number of addresses.
/// </summary>
public sealed class IpRangeSet
{
    private readonly IpRange[] _ranges;

    private IpRangeSet(IpRange[] ranges) => _ranges = ranges;

    /// <summary>The set without an address.</summary>
    public static IpRangeSet Empty { get; } = new([]);

    /// <summary>The ranges, ascending, IPv4 before IPv6.</summary>
    public IReadOnlyList<IpRange> Ranges => _ranges;

    /// <summary>Whether the set has no address.</summary>
    public bool IsEmpty => _ranges.Length == 0;

    /// <summary>The number of addresses; saturates at 2^128-1.</summary>
    public UInt128 Count
    {
        get
        {
            var count = UInt128.Zero;
            foreach (var range in _ranges)
            {
                count = range.Count > UInt128.MaxValue - count ? UInt128.MaxValue : count + range.Count;
            }

            return count;
        }
    }

    /// <summary>The union of ranges in any order, which may overlap. O(n log n).</summary>
    public static IpRangeSet Of(params IEnumerable<IpRange> ranges)
    {
        var sorted = ranges.ToArray();
        Array.Sort(sorted, static (left, right) => left.First.CompareTo(right.First));
        var merged = new List<IpRange>(sorted.Length);
        foreach (var range in sorted)
        {
            if (merged.Count > 0 && Touches(merged[^1], range))
            {
                var last = merged[^1];
                merged[^1] = new IpRange(last.First, last.Last > range.Last ? last.Last : range.Last);
            }
            else
            {
                merged.Add(range);
            }
        }

        return merged.Count == 0 ? Empty : new IpRangeSet([.. merged]);
    }

    /// <summary>Whether the address is a member. O(log n).</summary>
    public bool Contains(IpAddress address) => _ranges.IndexOf(address) >= 0;

    /// <summary>Whether every address of the range is a member. O(log n).</summary>
    public bool Contains(IpRange range)
    {
        var index = _ranges.IndexOf(range.First);
        return index >= 0 && _ranges[index].Contains(range.Last);
    }

    /// <summary>Whether some address of the range is a member. O(log n).</summary>
    public bool Overlaps(IpRange range)
    {
        var index = _ranges.IndexOf(range.First);
        return index >= 0 || (~index < _ranges.Length && _ranges[~index].Overlaps(range));
    }

    /// <summary>The lowest member at or above <paramref name="from"/>, of its family, or null. O(log n).</summary>
    public IpAddress? FirstFrom(IpAddress from)
    {
        var index = _ranges.IndexOf(from);
        if (index >= 0)
        {
            return from;
        }

        return ~index < _ranges.Length && _ranges[~index].Family == from.Family ? _ranges[~index].First : null;
    }

    /// <summary>The addresses of both sets. O(n + m).</summary>
    public IpRangeSet Intersect(IpRangeSet other)
    {
        var common = new List<IpRange>();
        for (int i = 0, j = 0; i < _ranges.Length && j < other._ranges.Length;)
        {
            var (left, right) = (_ranges[i], other._ranges[j]);
            if (left.Overlaps(right))
            {
                common.Add(new IpRange(
                    left.First > right.First ? left.First : right.First,
                    left.Last < right.Last ? left.Last : right.Last));
            }

            if (left.Last < right.Last)
            {
                i++;
            }
            else
            {
                j++;
            }
        }

        return common.Count == 0 ? Empty : new IpRangeSet([.. common]);
    }

    /// <summary>The addresses of this set that are not in the other. O(n + m).</summary>
    public IpRangeSet Except(IpRangeSet other)
    {
        var rest = new List<IpRange>();
        var j = 0;
        foreach (var range in _ranges)
        {
            var from = range.First;
            var open = true;
            while (j < other._ranges.Length && other._ranges[j].Last < from)
            {
                j++;
            }

            for (var k = j; open && k < other._ranges.Length && other._ranges[k].First <= range.Last; k++)
            {
                var hole = other._ranges[k];
                if (hole.First > from)
                {
                    rest.Add(new IpRange(from, IpAddress.From(from.Family, hole.First.Value - 1)));
                }

                open = hole.Last < range.Last;
                from = open ? hole.Last.Add(1) : from;
            }

            if (open)
            {
                rest.Add(new IpRange(from, range.Last));
            }
        }

        return rest.Count == 0 ? Empty : new IpRangeSet([.. rest]);
    }

    /// <summary>The ranges, separated by commas.</summary>
    public override string ToString() => string.Join(", ", _ranges);

    private static bool Touches(IpRange lower, IpRange upper) =>
        lower.Family == upper.Family
        && (upper.First <= lower.Last || upper.First.Value - 1 == lower.Last.Value);
}
