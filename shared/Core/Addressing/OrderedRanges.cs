namespace LoadBalancer.Core.Addressing;

/// <summary>Look-ups in a list of ranges that is in ascending order and without overlaps.</summary>
public static class OrderedRanges
{
    /// <summary>
    /// The index of the range that has the address, or the bitwise complement of the index of the first range above it, as
    /// <see cref="List{T}.BinarySearch(T)"/> has it. O(log n), no allocation.
    /// </summary>
    public static int IndexOf(this IReadOnlyList<IpRange> ranges, IpAddress address)
    {
        int low = 0, high = ranges.Count - 1;
        while (low <= high)
        {
            var middle = low + ((high - low) >> 1);
            var range = ranges[middle];
            if (address < range.First)
            {
                high = middle - 1;
            }
            else if (address > range.Last)
            {
                low = middle + 1;
            }
            else
            {
                return middle;
            }
        }

        return ~low;
    }

    /// <summary>Whether every range lies above the one before it.</summary>
    public static bool AreOrderedAndDisjoint(this IReadOnlyList<IpRange> ranges)
    {
        for (var i = 1; i < ranges.Count; i++)
        {
            if (ranges[i].First <= ranges[i - 1].Last)
            {
                return false;
            }
        }

        return true;
    }
}
