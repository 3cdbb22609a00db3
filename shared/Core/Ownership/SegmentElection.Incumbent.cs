using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <content>Whose claim counts, and whether that node keeps the VIP.</content>
public sealed partial class SegmentElection
{
    // Of all whose claims count: who cannot know ours, the highest term, the first in the order.
    private Incumbency FindIncumbent(VipFacts vip, in OwnershipState own, ReadOnlySpan<ElectionOrders.Entry> order, out ulong highest)
    {
        var best = Incumbency.None;
        highest = own.Term;
        if (own.Phase is OwnershipPhase.Owner or OwnershipPhase.HandingOver)
        {
            best = new Incumbency(selfId, own.Term, own.Part is OwnershipPart.Holder { Yields: true }, MustBeGivenWay: false);
        }

        foreach (var (claimant, _, claim) in view.Claims.For(vip.Address))
        {
            var subject = orders.IdOf(claim.Subject);
            if (!(claim.Kind == ClaimKind.Deputy ? CountsForAnother(orders.IdOf(claimant), subject, own) : CountsForItself(subject)))
            {
                continue;
            }

            highest = Math.Max(highest, claim.Term);
            var doubted = claim.Kind == ClaimKind.Owner && claimant == own.Doubts;
            var yields = (claim.Kind == ClaimKind.Yielding && !YieldsBlindly(subject)) || doubted;
            var found = new Incumbency(subject, claim.Term, yields, claim.Kind != ClaimKind.Deputy && !doubted && CannotKnowOurs(subject));
            if (found.Beats(best, order))
            {
                best = found;
            }
        }

        return best;
    }

    // A node's own claim counts while it is there and its link is not deaf. What this node claims itself it does not learn from others.
    private bool CountsForItself(int claimant) => IsMember(claimant) && claimant != selfId && !IsDeaf(claimant);

    // A deputy's claim counts while the deputy is there, and the owner is away or is known by its deputy only; for this node, while it does not
    // answer itself.
    private bool CountsForAnother(int deputy, int owner, in OwnershipState own) =>
        IsPresent(deputy) && (owner == selfId ? own.Phase == OwnershipPhase.Away : !IsMember(owner) || IsAway(owner));

    // It does not hear this node, so that it cannot give way to it: this one must. Not to one that is away or hears nobody at all: it cannot serve;
    // nor to one that has just come back and had no time to hear anything.
    private bool CannotKnowOurs(int claimant) =>
        !membersById[claimant]!.Exists(static m => m.Member.HearsUs || m.Member.Away || m.Member.HearsNothing || m.Member.MayHearUsYet);

    private bool Keeps(in Incumbency incumbent, VipFacts vip, ReadOnlySpan<ElectionOrders.Entry> order, out bool away)
    {
        away = false;
        var id = incumbent.Node;
        if (incumbent.Yields || hasUnheard)
        {
            return false;
        }

        // Known by its deputy only.
        if (id >= membersById.Length || membersById[id] is not { } members)
        {
            away = true;
            return true;
        }

        away = id == selfId ? self.Leaving : IsAway(id);
        var flaws = int.MaxValue;
        foreach (var (member, facts) in members)
        {
            if (!member.GraceOver && !member.Deaf && CheckFacts(id, member, facts, vip) == Ineligible.None)
            {
                flaws = Math.Min(flaws, Flaws(member, facts, vip.Address));
            }
        }

        if (flaws == int.MaxValue)
        {
            return false;
        }

        // The API server has given the node up: one that it has not is better, if there is one.
        return flaws < NodeNotReady || Elect(vip, order, id, 0, out var best) < 0 || best >= NodeNotReady;
    }

    // Who is there and claims the VIP is not fit by what this node knows of it. If it was when the claim was first heard, the facts have changed
    // since. Otherwise the other knows better, or will in a moment: two that overrule each other would both answer, for as long as they differ.
    private bool Respects(in Incumbency incumbent, in OwnershipState own)
    {
        if (incumbent.Node < 0 || incumbent.Node == selfId || incumbent.Yields || hasUnheard || !IsPresent(incumbent.Node))
        {
            return false;
        }

        var claim = new AcceptedClaim(orders.Nodes[incumbent.Node], incumbent.Term);
        return !areCurrent || (own.Accepted != claim && !(own.Dispute.Claim == claim && now - own.Dispute.Since >= OwnershipMachine.FactsPatience));
    }

    private bool Claims(string node, IpAddress vip)
    {
        foreach (var (claimant, _, claim) in view.Claims.For(vip))
        {
            if (claimant == node && claim.Kind == ClaimKind.Owner)
            {
                return true;
            }
        }

        return false;
    }

    private bool YieldsBlindly(int id) => IsMember(id) && membersById[id]!.Exists(static m => m.Member.YieldsBlindly);

    /// <summary>A claim in the running.</summary>
    /// <param name="Node">Who is to be the owner by it.</param>
    /// <param name="Term">Its term.</param>
    /// <param name="Yields">Whether the node wants to be relieved, or is to be.</param>
    /// <param name="MustBeGivenWay">Whether it comes first whatever its term: it cannot know the other claims.</param>
    private readonly record struct Incumbency(int Node, ulong Term, bool Yields, bool MustBeGivenWay)
    {
        public static Incumbency None => new(-1, 0, Yields: false, MustBeGivenWay: false);

        public bool Beats(in Incumbency other, ReadOnlySpan<ElectionOrders.Entry> order) =>
            other.Node < 0
            || (MustBeGivenWay != other.MustBeGivenWay ? MustBeGivenWay
                : Term != other.Term ? Term > other.Term
                : Node != other.Node ? RankOf(Node, order) < RankOf(other.Node, order)
                : !Yields && other.Yields);
    }
}
