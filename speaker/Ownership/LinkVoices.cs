using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>
/// One node, one voice per segment: of several links of this node on one wire, each VIP is decided on one only, the one of
/// <see cref="SegmentElection.Voice"/>. One thread at a time.
/// </summary>
internal sealed class LinkVoices
{
    private readonly List<LinkTurn> turns = [];

    /// <summary>The links of this pass.</summary>
    public IReadOnlyList<LinkTurn> Turns => turns;

    /// <summary>Takes the links of a pass in.</summary>
    /// <param name="links">All links.</param>
    /// <param name="look">Looks who is alive on one; siblings are found here.</param>
    /// <param name="elect">The election among the members of a view.</param>
    /// <param name="now">Monotonic time.</param>
    public void Begin(
        IReadOnlyList<Segment> links, Func<Segment, LinkTurn> look, Func<SegmentView, SegmentElection> elect, TimeSpan now)
    {
        turns.Clear();
        turns.AddRange(links.Select(look));

        foreach (var turn in turns)
        {
            if (turns.Count > 1 && !turn.Mute)
            {
                turn.SameWire = OnTheWireOf(turn, now);
                turn.Siblings = [.. turn.SameWire.Where(static other => !other.Mute)];
                turn.View = turn.View with { Siblings = [.. turn.Siblings.Select(static other => other.View.Self)] };
            }

            turn.Election = elect(turn.View);
        }

        foreach (var turn in turns.SelectMany(static turn => turn.SameWire).Distinct())
        {
            turn.Before = new Dictionary<IpAddress, OwnershipState>(turn.Segment.Ownership.All);
        }
    }

    /// <summary>The VIPs to be decided on a link.</summary>
    /// <param name="turn">The link.</param>
    /// <param name="vips">All VIPs that concern its segment.</param>
    /// <param name="transitions">Receives the VIPs the link goes on with that another of the node's links owned until now.</param>
    public static IReadOnlyDictionary<IpAddress, VipFacts> SpokenOn(
        LinkTurn turn, IReadOnlyDictionary<IpAddress, VipFacts> vips, List<OwnershipTransition> transitions)
    {
        if (turn.SameWire.Count == 0)
        {
            return vips;
        }

        var spoken = new Dictionary<IpAddress, VipFacts>(vips.Count);
        foreach (var (vip, facts) in vips)
        {
            if (!Speaks(turn, turn.Election.Voice(facts), vip))
            {
                continue;
            }

            spoken.Add(vip, facts);
            foreach (var other in turn.SameWire)
            {
                if (turn.Segment.Ownership.Adopt(vip, other.Before.GetValueOrDefault(vip)) is { } adopted)
                {
                    transitions.Add(adopted);
                }
            }
        }

        return spoken;
    }

    // A link that has only come up listens before it answers; until then the one that has the VIP goes on.
    private static bool Speaks(LinkTurn turn, string voice, IpAddress vip)
    {
        if (voice == turn.Segment.Name)
        {
            return turn.View.MayServe || !turn.Siblings.Any(other => other.Has(vip));
        }

        return turn.Has(vip) && turn.Siblings.First(other => other.Segment.Name == voice) is { View.MayServe: false };
    }

    // Hearing may be one-way, and a third link may join two that do not hear each other: all of them are on one wire.
    private List<LinkTurn> OnTheWireOf(LinkTurn turn, TimeSpan now)
    {
        List<LinkTurn> group = [turn];
        for (var i = 0; i < group.Count; i++)
        {
            foreach (var other in turns)
            {
                if (!group.Contains(other)
                    && (other.Segment.SharesWireWith(group[i].Segment, now) || group[i].Segment.SharesWireWith(other.Segment, now)))
                {
                    group.Add(other);
                }
            }
        }

        group.RemoveAt(0);
        return group;
    }
}

/// <summary>One link in one pass.</summary>
internal sealed class LinkTurn(Segment segment, SegmentView view, bool mute)
{
    private static readonly IReadOnlyDictionary<IpAddress, OwnershipState> NoStates = new Dictionary<IpAddress, OwnershipState>();

    /// <summary>The link.</summary>
    public Segment Segment => segment;

    /// <summary>Who is alive on it.</summary>
    public SegmentView View { get; set; } = view;

    /// <summary>Whether this node may act there and hears whom it knows to be there, so that it can tell that nobody has a VIP.</summary>
    public bool KnowsTheOthers { get; init; }

    /// <summary>Whether nothing can be said on it.</summary>
    public bool Mute => mute;

    /// <summary>The node's other links on the same wire.</summary>
    public IReadOnlyList<LinkTurn> SameWire { get; set; } = [];

    /// <summary>Those that are not mute.</summary>
    public IReadOnlyList<LinkTurn> Siblings { get; set; } = [];

    /// <summary>Decides.</summary>
    public SegmentElection Election { get; set; } = null!;

    /// <summary>What this node had on the link when the pass began, of a link that shares its wire.</summary>
    public IReadOnlyDictionary<IpAddress, OwnershipState> Before { get; set; } = NoStates;

    /// <summary>Whether it answered for the VIP then.</summary>
    public bool Has(IpAddress vip) => Before.GetValueOrDefault(vip).Answers;
}
