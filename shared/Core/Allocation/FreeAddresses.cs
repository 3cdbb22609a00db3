using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Allocation;

/// <summary>
/// A set of addresses of one family as disjoint, non-adjacent runs in a balanced tree. Every operation is O(log runs), whatever the
/// number of addresses: an IPv6 /64 from which nothing was taken is one run.
/// </summary>
internal sealed class FreeAddresses
{
    private static readonly IComparer<IpRange> ByFirst = Comparer<IpRange>.Create(static (a, b) => a.First.CompareTo(b.First));

    private readonly SortedSet<IpRange> runs = new(ByFirst);

    /// <summary>The number of runs.</summary>
    public int RunCount => runs.Count;

    /// <summary>The runs, ascending.</summary>
    public IEnumerable<IpRange> Runs => runs;

    /// <summary>Adds a run that neither overlaps nor touches what is there.</summary>
    public void Add(IpRange range)
    {
        var (first, last) = (range.First, range.Last);
        if (last.Value < MaxValue(last.Family) && TryFind(last.Add(1), out var next))
        {
            runs.Remove(next);
            last = next.Last;
        }

        if (first.Value > 0 && TryFind(IpAddress.From(first.Family, first.Value - 1), out var previous))
        {
            runs.Remove(previous);
            first = previous.First;
        }

        runs.Add(new IpRange(first, last));
    }

    /// <summary>The lowest address.</summary>
    public bool TryLowest(out IpAddress address)
    {
        address = runs.Min.First;
        return runs.Count > 0;
    }

    /// <summary>Whether the address is in the set.</summary>
    public bool Contains(IpAddress address) => TryFind(address, out _);

    /// <summary>Takes the address out, if it is in.</summary>
    public void Take(IpAddress address)
    {
        if (!TryFind(address, out var run))
        {
            return;
        }

        runs.Remove(run);
        if (run.First < address)
        {
            runs.Add(new IpRange(run.First, IpAddress.From(address.Family, address.Value - 1)));
        }

        if (address < run.Last)
        {
            runs.Add(new IpRange(address.Add(1), run.Last));
        }
    }

    /// <summary>Takes a whole range out.</summary>
    public void Take(IpRange range)
    {
        foreach (var run in runs.Where(range.Overlaps).ToArray())
        {
            runs.Remove(run);
            if (run.First < range.First)
            {
                runs.Add(new IpRange(run.First, IpAddress.From(range.Family, range.First.Value - 1)));
            }

            if (range.Last < run.Last)
            {
                runs.Add(new IpRange(range.Last.Add(1), run.Last));
            }
        }
    }

    /// <summary>Puts the address back, if it is not in already.</summary>
    public void Return(IpAddress address)
    {
        if (!TryFind(address, out _))
        {
            Add(new IpRange(address, address));
        }
    }

    private static UInt128 MaxValue(IpFamily family) => family == IpFamily.IPv4 ? uint.MaxValue : UInt128.MaxValue;

    private bool TryFind(IpAddress address, out IpRange run)
    {
        run = default;
        if (runs.Count == 0 || address < runs.Min.First)
        {
            return false;
        }

        // The last run that starts at or before the address; a view finds its ends in O(log n) without counting.
        run = runs.GetViewBetween(runs.Min, new IpRange(address, address)).Max;
        return run.Contains(address);
    }
}
