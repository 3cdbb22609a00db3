using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Pools;

/// <summary>One valid entry of a pool's <c>addresses</c>, with its place.</summary>
internal sealed record AddressEntry(IpRange Range, string Text, ConfigNode Node, string Path)
{
    /// <summary>
    /// Reports every entry that has an address in common with another, by one sweep over the entries in address order: O(n log n).
    /// An entry is compared with the one before it that reaches furthest, so each is reported although not each pair.
    /// </summary>
    /// <param name="entries">The entries of all pools in the order of the text.</param>
    /// <param name="problems">Where problems go.</param>
    public static void ReportOverlaps(IReadOnlyList<AddressEntry> entries, ConfigProblems problems)
    {
        var order = Enumerable.Range(0, entries.Count).OrderBy(index => entries[index].Range.First).ToArray();
        for (int i = 1, furthest = 0; i < order.Length; i++)
        {
            var (one, other) = (order[furthest], order[i]);
            if (entries[one].Range.Overlaps(entries[other].Range))
            {
                Report(entries[Math.Min(one, other)], entries[Math.Max(one, other)], problems);
            }

            if (entries[other].Range.Last > entries[one].Range.Last)
            {
                furthest = i;
            }
        }
    }

    private static void Report(AddressEntry earlier, AddressEntry later, ConfigProblems problems) => problems.Error(
        later.Node, later.Path,
        $"{ConfigFields.Shorten(later.Text)} overlaps {ConfigFields.Shorten(earlier.Text)} of {earlier.Path} (line {earlier.Node.Line})",
        "an address may be in one entry only: remove or narrow one of the two");
}
