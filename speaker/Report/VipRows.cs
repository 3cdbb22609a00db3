using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Speaker.Ownership;

namespace LoadBalancer.Speaker.Report;

/// <summary>A VIP as it was decided on one link, or on none; copied on the thread that decides, made into text elsewhere.</summary>
/// <param name="Link">The link; null if nobody has the VIP and no link is the place for it.</param>
/// <param name="LinkMac">The link's hardware address.</param>
/// <param name="Facts">What was known of it.</param>
/// <param name="State">What was decided.</param>
/// <param name="Since">Since when, by the monotonic clock; null if longer than the program runs.</param>
/// <param name="Nobody">Of a VIP that nobody owns: each interface that is heard, and why the VIP may not be there.</param>
internal sealed record VipRow(
    string? Link, MacAddress LinkMac, VipFacts Facts, OwnershipState State, TimeSpan? Since, IReadOnlyCollection<LinkVerdict>? Nobody);

/// <summary>Which VIPs a report tells of. On the thread that decides.</summary>
internal static class VipRows
{
    /// <summary>Those that this node answers for, and those that nobody owns; one alone with all that is known of it; or all.</summary>
    public static IReadOnlyList<VipRow> Of(OwnershipPass pass, VipSnapshot snapshot, IpAddress? only, bool all)
    {
        List<VipRow> rows = [];
        if (only is { } address)
        {
            if (snapshot.Vips.TryGetValue(address, out var facts))
            {
                Add(rows, pass, facts, all: true);
            }

            return rows;
        }

        foreach (var facts in snapshot.Vips.Values)
        {
            Add(rows, pass, facts, all);
        }

        return rows;
    }

    /// <summary>Each interface of each living node, in the order of preference, as seen on each link.</summary>
    public static IReadOnlyList<(string On, LinkVerdict Verdict)> CandidatesOf(OwnershipPass pass, VipSnapshot snapshot, IpAddress vip) =>
        snapshot.Vips.TryGetValue(vip, out var facts)
            ? [.. pass.Turns.Where(static turn => !turn.Mute).SelectMany(turn => turn.Election.Explain(facts).Select(verdict => (turn.Segment.Name, verdict)))]
            : [];

    private static void Add(List<VipRow> rows, OwnershipPass pass, VipFacts facts, bool all)
    {
        var isOwned = false;
        foreach (var turn in pass.Turns)
        {
            var state = turn.Segment.Ownership[facts.Address];
            isOwned |= state.Owner is not null || state.Answers;
            if (state.Answers || (all && state.Owner is not null))
            {
                rows.Add(Row(turn, facts, state, pass, null));
            }
        }

        if (!isOwned)
        {
            var verdicts = pass.Turns.Where(static turn => !turn.Mute).SelectMany(turn => turn.Election.Explain(facts))
                .DistinctBy(static verdict => (verdict.Node, verdict.Link)).ToArray();
            var home = pass.Turns.FirstOrDefault(turn => !turn.Mute && turn.Election.Concerns(facts));
            rows.Add(home is null
                ? new VipRow(null, default, facts, default, null, verdicts)
                : Row(home, facts, home.Segment.Ownership[facts.Address], pass, verdicts));
        }
    }

    private static VipRow Row(LinkTurn turn, VipFacts facts, in OwnershipState state, OwnershipPass pass, LinkVerdict[]? nobody) =>
        new(turn.Segment.Name, turn.Segment.Link.Facts.Mac, facts, state, pass.Times.Of(turn.Segment.Name, facts.Address), nobody);
}
