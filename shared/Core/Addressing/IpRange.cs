namespace LoadBalancer.Core.Addressing;

/// <summary>A run of addresses of one family, both ends included.</summary>
public readonly record struct IpRange
{
    /// <summary>A range from its ends.</summary>
    /// <exception cref="ArgumentException">The families differ, or the start is after the end.</exception>
    public IpRange(IpAddress first, IpAddress last)
    {
        if (first.Family != last.Family)
        {
            throw new ArgumentException($"{first} and {last} are of different families.");
        }

        if (first > last)
        {
            throw new ArgumentException($"{first} is after {last}.");
        }

        First = first;
        Last = last;
    }

    /// <summary>The lowest address.</summary>
    public IpAddress First { get; }

    /// <summary>The highest address.</summary>
    public IpAddress Last { get; }

    /// <summary>The family of both ends.</summary>
    public IpFamily Family => First.Family;

    /// <summary>The number of addresses; saturates at 2^128-1 for the whole of IPv6.</summary>
    public UInt128 Count => Last.Value - First.Value == UInt128.MaxValue ? UInt128.MaxValue : Last.Value - First.Value + 1;

    /// <summary>Whether the address lies in the range.</summary>
    public bool Contains(IpAddress address) => First <= address && address <= Last;

    /// <summary>Whether the two ranges have an address in common.</summary>
    public bool Overlaps(IpRange other) => Family == other.Family && First <= other.Last && other.First <= Last;

    /// <summary>
    /// The fewest prefixes that together are exactly this range, in ascending order: at most 2 · bits - 2 of them, made one at a
    /// time (RFC 4632 §3.1 calls the inverse aggregation).
    /// </summary>
    public IEnumerable<IpPrefix> ToPrefixes()
    {
        var bits = First.BitLength;
        var next = First.Value;
        while (true)
        {
            // The block that starts here is as large as the start's alignment and the rest of the range both allow.
            var rest = Last.Value - next;
            var fitting = rest == UInt128.MaxValue ? bits : (int)UInt128.Log2(rest + 1);
            var aligned = next == UInt128.Zero ? bits : (int)UInt128.TrailingZeroCount(next);
            var prefix = new IpPrefix(IpAddress.From(Family, next), bits - Math.Min(aligned, fitting));
            yield return prefix;
            if (prefix.Last == Last)
            {
                yield break;
            }

            next = prefix.Last.Value + 1;
        }
    }

    /// <summary><c>first-last</c>, or the one address.</summary>
    public override string ToString() => First == Last ? First.ToString() : $"{First}-{Last}";
}
