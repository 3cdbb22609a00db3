using System.Collections.Immutable;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Core.Timing;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>
/// One pass: facts and members in, ownership decided for every VIP on every link, tables swapped in, new ones announced, Events told.
/// One thread runs it whenever something may have changed; what led to the last decision is looked at first, and leads to the same again
/// (<see cref="SettledState"/>).
/// </summary>
public sealed class OwnershipPass
{
    private static readonly IReadOnlyDictionary<IpAddress, VipFacts> NoVips = new Dictionary<IpAddress, VipFacts>();

    /// <summary>Between two moves of <c>--rebalance</c> from one node on one link.</summary>
    public static readonly TimeSpan RebalanceInterval = TimeSpan.FromMinutes(1);

    private readonly Heartbeats heartbeats;
    private readonly IStore<NodeResource> nodes;
    private readonly SpeakerLeases leases;
    private readonly OwnershipEvents events;
    private readonly IsolationEvents isolation;
    private readonly ClaimedVips claimed;
    private readonly Func<bool> isCurrent;
    private readonly bool rebalance;
    private readonly bool ignoreExcludeLabel;
    private readonly ElectionOrders orders = new();
    private readonly LinkVoices voices = new();
    private readonly OwnershipTimes times = new();
    private readonly Dictionary<string, NodeFacts> nodeFacts = new(StringComparer.Ordinal);
    private readonly List<OwnershipTransition> transitions = [];
    private readonly List<LinkDecision> elections = [];
    private readonly SettledState settled = new();
    private readonly HashSet<IpAddress> some = [];
    private readonly HashSet<IpAddress> someHere = [];
    private readonly HashSet<IpAddress> changes = [];
    private ImmutableArray<Segment> segmentsSeen = [];

    /// <summary>A pass over these links and stores.</summary>
    /// <param name="heartbeats">The links and who is on them.</param>
    /// <param name="nodes">All Nodes.</param>
    /// <param name="leases">The speakers' Leases.</param>
    /// <param name="events">Told of every change.</param>
    /// <param name="isolation">Told of peers that are not heard.</param>
    /// <param name="isCurrent">Whether what is known from the API server is what it has now.</param>
    /// <param name="rebalance">Whether addresses go back, slowly, to the nodes that are first in their order.</param>
    /// <param name="ignoreExcludeLabel">Whether nodes are used that carry <see cref="AnnouncementText.ExcludeLabel"/>.</param>
    public OwnershipPass(
        Heartbeats heartbeats, IStore<NodeResource> nodes, SpeakerLeases leases, OwnershipEvents events, IsolationEvents isolation,
        Func<bool> isCurrent, bool rebalance = false, bool ignoreExcludeLabel = false)
    {
        this.ignoreExcludeLabel = ignoreExcludeLabel;
        this.rebalance = rebalance;
        this.heartbeats = heartbeats;
        this.nodes = nodes;
        this.leases = leases;
        this.events = events;
        this.isolation = isolation;
        this.isCurrent = isCurrent;
        claimed = new ClaimedVips(isCurrent);
    }

    /// <summary>Whether what is known from the API server is what it has now.</summary>
    public bool IsCurrent => isCurrent();

    /// <summary>Whether this node answers for any VIP on any link.</summary>
    public bool Answers => heartbeats.Segments.Any(segment => segment.Ownership.Owned + segment.Ownership.Represented + segment.Ownership.HandedOver > 0);

    /// <summary>The links as they were decided on last; for a report, on the thread that decides.</summary>
    internal IReadOnlyList<LinkTurn> Turns => voices.Turns;

    /// <summary>Since when what was decided is so; for a report, on the thread that decides.</summary>
    internal OwnershipTimes Times => times;

    /// <summary>How often anything was decided: not when nothing had changed.</summary>
    internal int Decided { get; private set; }

    /// <summary>How often of those all VIPs were decided, and not only those that may have changed.</summary>
    internal int DecidedAll { get; private set; }

    /// <summary>The next decision is one on all VIPs, whatever has changed.</summary>
    internal void DecideAllNext() => settled.Forget();

    /// <summary>Decides everything anew, if anything it is decided by is another than the last time.</summary>
    /// <param name="snapshot">The VIPs.</param>
    /// <param name="isComplete">Whether those are all VIPs. While they are not, after a start without the API server, this node goes by what its peers say is its own.</param>
    /// <param name="leaveBy">While the program stops: when this node stops answering at the latest.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>When to decide again though nothing has changed, or null.</returns>
    public TimeSpan? Run(VipSnapshot snapshot, bool isComplete, TimeSpan? leaveBy, TimeSpan now)
    {
        leases.Observe(now);
        nodeFacts.Clear();
        var links = heartbeats.Segments;
        foreach (var gone in segmentsSeen.Where(segment => !links.Contains(segment)))
        {
            events.LinkGone();
            isolation.Forget(gone.Name);
            times.Forget(gone.Name);
            SpeakerMetrics.Forget(gone.Name);
        }

        segmentsSeen = links;
        voices.Begin(links, segment => Look(segment, now), view => new SegmentElection(orders, view, FactsOf, isCurrent(), now), now);
        var facts = new DecisionFacts(snapshot, isComplete, isCurrent(), heartbeats.Keys is not null, leaveBy);
        var all = settled.MayBeAll(facts, voices.Turns, now, some) || IsUnsettled(isComplete, now);
        if (!all && some.Count == 0 && !(now >= settled.Due))
        {
            var due = AskOwners(now);
            if (!voices.Turns.Any(static turn => turn.Segment.HasDoubts))
            {
                settled.Follow(facts);
                return Deadline.Earlier(settled.Due, due);
            }

            all = true;
        }

        var deadline = Decide(snapshot, isComplete, all, leaveBy, now);
        settled.Note(facts, voices.Turns, deadline, now, all, changes);
        return Deadline.Earlier(deadline, AskOwners(now));
    }

    private TimeSpan? AskOwners(TimeSpan now)
    {
        TimeSpan? due = null;
        foreach (var turn in voices.Turns)
        {
            due = Deadline.Earlier(due, turn.Segment.AskOwners(now));
        }

        return due;
    }

    // What is decided by things that are not among the facts.
    private bool IsUnsettled(bool isComplete, TimeSpan now) =>
        events.IsUnsure || voices.Turns.Any(turn => turn.Segment.HasDoubts
            || (rebalance && now >= turn.Segment.RebalanceAt)
            || (turn.Segment.Serving && !(turn.Segment.FormersAdopted && (turn.Segment.ConnectionsAdopted || !isComplete))));

    private TimeSpan? Decide(VipSnapshot snapshot, bool isComplete, bool all, TimeSpan? leaveBy, TimeSpan now)
    {
        Decided++;
        DecidedAll += all ? 1 : 0;
        changes.Clear();
        claimed.Remember(snapshot);
        SpeakerMetrics.Vips.Set(snapshot.Vips.Count);
        orders.Forget(now);
        if (orders.Count > (2 * snapshot.Vips.Count) + 1000)
        {
            orders.Retain(snapshot.Vips.Keys.ToHashSet());
        }

        TimeSpan? deadline = null;
        elections.Clear();
        foreach (var turn in voices.Turns)
        {
            var next = Decide(turn, snapshot, isComplete, all, leaveBy, now);
            deadline = Deadline.Earlier(deadline, next);
            deadline = Deadline.Earlier(deadline, isolation.Note(turn.Segment.Name, turn.View, now));
        }

        SpeakerMetrics.Serving.Set(segmentsSeen.Any(static segment => segment.Serving) ? 1 : 0);
        return Deadline.Earlier(deadline, events.Flush(snapshot, elections, leases, now));
    }

    // Without a key nothing can be known of the others; without a carrier nothing can be said.
    private LinkTurn Look(Segment segment, TimeSpan now)
    {
        var facts = segment.Link.Facts;
        var alive = leases.On(facts);
        var view = segment.View(now, alive);
        if (!isCurrent() && segment.UnderstandsNobody(now))
        {
            // It lacks a key that its peers have: they are there, and answer for what is theirs.
            view = view with { MayAct = false };
        }

        segment.LastView = view;
        Measure(segment, view, alive.Count);
        return new LinkTurn(segment, view, heartbeats.Keys is null || !facts.Carrier)
        {
            // A node that was cut off hears nobody at first, and would find nobody who may own what the others announce.
            KnowsTheOthers = view.MayAct && (view.Majority || alive.All(lease => view.Peers.Any(peer => peer.Node == lease.Node))),
        };
    }

    private TimeSpan? Decide(LinkTurn turn, VipSnapshot snapshot, bool isComplete, bool all, TimeSpan? leaveBy, TimeSpan now)
    {
        var (segment, view, election, mute) = (turn.Segment, turn.View, turn.Election, turn.Mute);
        transitions.Clear();
        var vips = mute ? NoVips : LinkVoices.SpokenOn(turn, claimed.With(segment.Ownership, view, snapshot, isComplete), transitions);
        Rebalance(segment, election, vips, now);
        if (!all)
        {
            someHere.Clear();
            someHere.UnionWith(some);
            segment.Ownership.AddDue(now, someHere);
        }

        SpeakerMetrics.SilentOwners.Inc(segment.NoteDoubts(all ? vips.Keys : someHere));
        var deadline = all
            ? segment.Ownership.Decide(vips, election, view, leaveBy, now, transitions)
            : segment.Ownership.DecideSome(someHere, vips, election, view, now, transitions);

        // Before anybody is told that an address is here: the segments that follow must find where to go.
        segment.Formers.Note(transitions, view.Claims, heartbeats.Node);
        segment.Formers.NoteRivals(all ? vips.Keys : someHere, segment.Ownership, view);
        FollowKernel(segment, view, snapshot, isComplete, leaveBy is not null, now);
        var owns = segment.Ownership.Owned + segment.Ownership.HandedOver > 0;
        var mac = segment.Link.Facts.Mac;
        var isRenamed = owns && segment.AnnouncedAs != default && segment.AnnouncedAs != mac;
        segment.AnnouncedAs = owns ? mac : segment.AnnouncedAs;
        if (transitions.Count > 0 || isRenamed)
        {
            Apply(segment, mac, vips, transitions, isRenamed);
            segment.Formers.Name(transitions);
            events.Note(transitions);
        }

        times.Note(segment.Name, transitions, now);
        segment.Claim(transitions, serves: view.MayServe && heartbeats.Keys is not null);
        if (transitions.Count > 0)
        {
            changes.UnionWith(transitions.Select(static transition => transition.Vip));
            heartbeats.Wake.Signal();
        }

        // As it leaves, the kernel goes on with what it knows.
        deadline = Deadline.Earlier(Deadline.Earlier(deadline, leaveBy is null ? segment.Formers.Due : null), Repeat(segment, now));
        if (all)
        {
            segment.WatchOwners(vips, election, now);
        }
        else
        {
            segment.WatchOwners(someHere, vips, election, now);
        }

        if (!mute)
        {
            elections.Add(new LinkDecision(segment.Ownership, election, turn.KnowsTheOthers && isCurrent(), view.Majority && isCurrent(), view.Majority) { Keeps = segment.Link.KeepsConnections });
        }

        SpeakerMetrics.VipsOwned.WithLabels(segment.Name).Set(segment.Ownership.Owned);
        SpeakerMetrics.VipsRepresented.WithLabels(segment.Name).Set(segment.Ownership.Represented);
        return deadline;
    }

    // What the kernel does by itself depends on who is here, and goes on for what remains this node's when its speaker leaves.
    private void FollowKernel(Segment segment, SegmentView view, VipSnapshot snapshot, bool isComplete, bool leaves, TimeSpan now)
    {
        if (leaves)
        {
            segment.Link.Leave([.. segment.Ownership.All.Where(entry => entry.Value.Owner == heartbeats.Node).Select(entry => entry.Key)]);
            return;
        }

        if (segment.Serving && !segment.FormersAdopted)
        {
            segment.FormersAdopted = true;
            segment.Formers.Adopt(segment.Link.Formers, segment.Ownership, view, now);
        }

        // Peers may have said what is this node's before the API server has said what there is.
        if (segment.Serving && isComplete && !segment.ConnectionsAdopted)
        {
            segment.ConnectionsAdopted = true;
            segment.Link.Adopt([.. snapshot.Vips.Keys]);
        }

        segment.Link.Follow(
            [.. view.Peers.Where(static peer => peer.Source == MemberSource.Wire && peer.Mac.Value != 0).Select(static peer => peer.Mac)],
            segment.Formers.Heard(view, now));
    }

    // Slowly, one address at a time: each move costs its clients a moment, and what is moved shall not move again in the next outage.
    private void Rebalance(Segment segment, SegmentElection election, IReadOnlyDictionary<IpAddress, VipFacts> vips, TimeSpan now)
    {
        if (!rebalance || now < segment.RebalanceAt)
        {
            return;
        }

        var isDue = segment.RebalanceAt != TimeSpan.Zero;
        segment.RebalanceAt = now + RebalanceInterval;
        foreach (var (vip, facts) in vips)
        {
            if (isDue && segment.Ownership[vip].Phase == OwnershipPhase.Owner
                && election.Preferred(facts) is { } preferred && preferred != heartbeats.Node)
            {
                segment.Ownership.Yield(vip);
                return;
            }
        }
    }

    // Hosts that have the VIP in their cache ask the owner's hardware address again and again, and its speaker is away: they are told
    // before they give up. A thousand VIPs take ten seconds, a third of the time after which Linux asks.
    private static TimeSpan? Repeat(Segment segment, TimeSpan now)
    {
        if (segment.Ownership.Represented == 0)
        {
            segment.RepeatAt = TimeSpan.Zero;
            return null;
        }

        if (now >= segment.RepeatAt)
        {
            var vips = segment.Ownership.All.Where(entry => entry.Value.Phase == OwnershipPhase.Deputy).Select(entry => entry.Key).ToList();
            if (segment.RepeatAt != TimeSpan.Zero)
            {
                segment.Link.Repeat(vips);
            }

            segment.RepeatAt = now + TimeSpan.FromMilliseconds(Math.Max(1000, 10 * vips.Count));
        }

        return segment.RepeatAt;
    }

    // With another hardware address of its own, this node announces all that it owns, as after a take-over: hosts go on sending to the one
    // they know until they are told. What it represents it repeats at once when the owner's has changed: nobody else may tell them.
    private static void Apply(
        Segment segment, MacAddress mac, IReadOnlyDictionary<IpAddress, VipFacts> vips, List<OwnershipTransition> transitions, bool isRenamed)
    {
        List<IpAddress>? announced = isRenamed ? [.. segment.Ownership.All.Where(entry => entry.Value.Phase == OwnershipPhase.Owner).Select(entry => entry.Key)] : null;
        List<IpAddress>? hushed = null, repeated = null;
        var changes = 0;
        var answers = isRenamed;
        foreach (var transition in transitions)
        {
            answers |= transition.Action != OwnershipAction.None;
            changes += transition.After.Owner != transition.Before.Owner ? 1 : 0;
            switch (transition.Action)
            {
                case OwnershipAction.Announce when !isRenamed:
                    (announced ??= []).Add(transition.Vip);
                    break;
                case OwnershipAction.KeepAnswering or OwnershipAction.StopAnswering or OwnershipAction.Deputize:
                    (hushed ??= []).Add(transition.Vip);
                    break;
            }

            if (transition.Action == OwnershipAction.Deputize && transition.After.Part is OwnershipPart.Deputy deputy
                && (transition.Before.Phase == OwnershipPhase.Deputy || IsRenamed(segment, deputy.For)))
            {
                (repeated ??= []).Add(transition.Vip);
            }
        }

        SpeakerMetrics.OwnerChanges.WithLabels(segment.Name).Inc(changes);
        if (hushed is not null)
        {
            segment.Link.Hush(hushed);
        }

        if (answers)
        {
            segment.Link.Answer(AnswerTable.Create(
                segment.Ownership.All.Where(entry => entry.Value.Answers && vips.ContainsKey(entry.Key)).Select(entry =>
                    KeyValuePair.Create(entry.Key, entry.Value.Part is OwnershipPart.Deputy deputy ? deputy.Mac : mac))));
        }

        if (repeated is not null)
        {
            segment.Link.Repeat(repeated);
        }

        if (announced is not null)
        {
            // A thousand take seconds within the budget: first those that somebody waits for.
            segment.Link.Announce([.. announced.OrderByDescending(segment.LastAsked)]);
        }
    }

    private static bool IsRenamed(Segment segment, string owner) =>
        segment.LastView is { } view && view.Peers.Any(peer => peer.Renamed && peer.Node == owner);

    private static void Measure(Segment segment, SegmentView view, int freshLeases)
    {
        var onWire = view.Peers.Count(peer => peer.Source == MemberSource.Wire);
        SpeakerMetrics.Members.WithLabels(segment.Name, "wire").Set(onWire);
        SpeakerMetrics.Members.WithLabels(segment.Name, "lease").Set(view.Peers.Count - onWire);
        SpeakerMetrics.FreshLeases.WithLabels(segment.Name).Set(freshLeases);
        SpeakerMetrics.OneWay.WithLabels(segment.Name).Set(view.Peers.Count(peer => peer.Source == MemberSource.Wire && !peer.HearsUs));
        SpeakerMetrics.Deaf.WithLabels(segment.Name).Set(view.Peers.Count(static peer => peer.Deaf));
        SpeakerMetrics.StandsDown.WithLabels(segment.Name).Set(view.StandsDown ? 1 : 0);
    }

    private NodeFacts FactsOf(string node)
    {
        if (!nodeFacts.TryGetValue(node, out var facts))
        {
            facts = nodes.Get(new ObjectKey("", node)) is { } found
                ? new NodeFacts(!ignoreExcludeLabel && found.Labels.ContainsKey(AnnouncementText.ExcludeLabel), found.NetworkUnavailable, found.Ready, found.Labels)
                : NodeFacts.Unknown;
            nodeFacts.Add(node, facts);
        }

        return facts;
    }
}
