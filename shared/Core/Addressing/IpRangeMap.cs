namespace LoadBalancer.Core.Addressing;

/// <summary>An immutable map from disjoint ranges of addresses to values: which one has this address, in O(log n).</summary>
/// <typeparam name="T">What a range stands for, such as the pool it belongs to.</typeparam>
public sealed class IpRangeMap<T>
{
    private readonly IpRange[] _ranges;
    private readonly T[] _values;

    /// <summary>A map of ranges in any order. O(n log n).</summary>
    /// <exception cref="ArgumentException">Two ranges have an address in common.</exception>
    public IpRangeMap(IEnumerable<(IpRange Range, T Value)> entries)
    {
        var sorted = entries.OrderBy(entry => entry.Range.First).ToArray();
        _ranges = Array.ConvertAll(sorted, entry => entry.Range);
        _values = Array.ConvertAll(sorted, entry => entry.Value);
        if (!_ranges.AreOrderedAndDisjoint())
        {
            throw new ArgumentException("Two of the ranges overlap.", nameof(entries));
        }
    }

    /// <summary>The ranges, ascending, IPv4 before IPv6.</summary>
    public IReadOnlyList<IpRange> Ranges => _ranges;

    /// <summary>The value of the range that has the address.</summary>
    /// <returns>Whether there is one.</returns>
    public bool TryFind(IpAddress address, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out T value)
    {
        var index = _ranges.IndexOf(address);
        value = index >= 0 ? _values[index] : default;
        return index >= 0;
    }
}
