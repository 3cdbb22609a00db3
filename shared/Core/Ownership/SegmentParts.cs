namespace LoadBalancer.Core.Ownership;

/// <summary>
/// Parts of a segment that do not hear each other from the start, told from the Leases: a node whose port is on another VLAN has a fresh Lease
/// with the same subnet, and hears nobody, or others who are there too. One thread at a time.
/// </summary>
internal sealed class SegmentParts
{
    // Who was found to be elsewhere stays so, whoever of this part dies: it is where it was.
    private readonly HashSet<string> elsewhere = new(StringComparer.Ordinal);
    private readonly HashSet<string> part = new(StringComparer.Ordinal);

    /// <summary>
    /// Marks who is <see cref="SegmentMember.Apart"/> of nodes that are known by their Lease only. Where nobody hears anybody, no part is larger
    /// than another: ports that are isolated from each other have one segment all the same.
    /// </summary>
    /// <param name="self">This node.</param>
    /// <param name="heard">Whom this node hears.</param>
    /// <param name="unheard">Those known by their Lease only; each says whom it hears itself.</param>
    /// <param name="members">Receives them.</param>
    /// <returns>Whether this node is in the largest part.</returns>
    public bool Divide(string self, IReadOnlyList<SegmentMember> heard, IReadOnlyList<SegmentMember> unheard, List<SegmentMember> members)
    {
        elsewhere.IntersectWith(unheard.Select(static member => member.Node));
        var ours = new HashSet<string>(heard.Where(static member => !member.Deaf).Select(static member => member.Node), StringComparer.Ordinal) { self };
        var largest = true;
        foreach (var member in unheard)
        {
            Collect(member, unheard);
            var isOurs = part.Overlaps(ours);
            var isLarger = !isOurs && part.Count > 1 && IsBefore(part, ours);
            largest &= !isLarger || elsewhere.Contains(member.Node);
            if (!isOurs && !isLarger && ours.Count > 1)
            {
                elsewhere.Add(member.Node);
            }

            members.Add(member with { Apart = isLarger || elsewhere.Contains(member.Node) });
        }

        return largest;
    }

    // All that can be reached from one by the word of those that are reached.
    private void Collect(SegmentMember from, IReadOnlyList<SegmentMember> unheard)
    {
        part.Clear();
        part.Add(from.Node);
        for (var grew = true; grew;)
        {
            grew = false;
            foreach (var member in unheard)
            {
                if (part.Contains(member.Node))
                {
                    foreach (var node in member.Hears)
                    {
                        grew |= part.Add(node);
                    }
                }
            }
        }
    }

    // Of two of one size, that with the first name.
    private static bool IsBefore(HashSet<string> a, HashSet<string> b) =>
        a.Count != b.Count ? a.Count > b.Count : string.CompareOrdinal(a.Min(StringComparer.Ordinal), b.Min(StringComparer.Ordinal)) < 0;
}
