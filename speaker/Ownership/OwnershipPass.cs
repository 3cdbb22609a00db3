using System.Collections.Immutable;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>
/// One pass: facts and members in, ownership decided for every VIP on every link, tables swapped in, new ones announced, Events told.
/// One thread runs it whenever something changed; it costs microseconds per thousand VIPs when nothing did.
/// </summary>
public sealed class OwnershipPass
{
    private static readonly IReadOnlyDictionary<IpAddress, VipFacts> NoVips = new Dictionary<IpAddress, VipFacts>();

    private readonly Heartbeats heartbeats;
    private readonly IStore<NodeResource> nodes;
    private readonly SpeakerLeases leases;
    private readonly OwnershipEvents events;
    private readonly ElectionOrders orders = new();
    private readonly Dictionary<string, NodeFacts> nodeFacts = new(StringComparer.Ordinal);
    private readonly List<OwnershipTransition> transitions = [];
    private readonly List<(SegmentOwnership Ownership, SegmentElection Election)> elections = [];
    private ImmutableArray<Segment> segmentsSeen = [];

    /// <summary>A pass over these links and stores.</summary>
    public OwnershipPass(Heartbeats heartbeats, IStore<NodeResource> nodes, SpeakerLeases leases, OwnershipEvents events)
    {
        this.heartbeats = heartbeats;
        this.nodes = nodes;
        this.leases = leases;
        this.events = events;
    }

    /// <summary>Decides everything anew.</summary>
    /// <param name="snapshot">The VIPs.</param>
    /// <param name="leaveBy">While the program stops: when this node stops answering at the latest.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>When to decide again though nothing has changed, or null.</returns>
    public TimeSpan? Run(VipSnapshot snapshot, TimeSpan? leaveBy, TimeSpan now)
    {
        leases.Observe(now);
        nodeFacts.Clear();
        SpeakerMetrics.Vips.Set(snapshot.Vips.Count);
        if (orders.Count > (2 * snapshot.Vips.Count) + 1000)
        {
            orders.Retain(snapshot.Vips.Keys.ToHashSet());
        }

        TimeSpan? deadline = null;
        var links = heartbeats.Segments;
        foreach (var gone in segmentsSeen.Where(segment => !links.Contains(segment)))
        {
            events.LinkGone();
            SpeakerMetrics.Forget(gone.Name);
        }

        segmentsSeen = links;
        elections.Clear();
        foreach (var segment in links)
        {
            var next = Decide(segment, snapshot, leaveBy, now);
            deadline = Earlier(deadline, next);
        }

        return Earlier(deadline, events.Flush(snapshot, elections, now));
    }

    private static TimeSpan? Earlier(TimeSpan? a, TimeSpan? b) => a is null || b < a ? b : a;

    private TimeSpan? Decide(Segment segment, VipSnapshot snapshot, TimeSpan? leaveBy, TimeSpan now)
    {
        var facts = segment.Link.Facts;
        var view = segment.View(now, leases.On(facts));
        segment.LastView = view;
        Measure(segment, view);

        // Without a key nothing can be known of the others; without a carrier nothing can be said.
        var mute = heartbeats.Keys is null || !facts.Carrier;
        var vips = mute ? NoVips : snapshot.Vips;
        var election = new SegmentElection(orders, view, FactsOf);
        transitions.Clear();
        var deadline = segment.Ownership.Decide(vips, election, view, leaveBy, now, transitions);
        if (transitions.Count > 0)
        {
            Apply(segment, facts, vips, transitions);
            events.Note(transitions);
        }

        if (!mute)
        {
            elections.Add((segment.Ownership, election));
        }

        SpeakerMetrics.VipsOwned.WithLabels(segment.Name).Set(segment.Ownership.Owned);
        return deadline;
    }

    private static void Apply(
        Segment segment, LinkFacts facts, IReadOnlyDictionary<IpAddress, VipFacts> vips, List<OwnershipTransition> transitions)
    {
        List<IpAddress>? announced = null, hushed = null;
        var changes = 0;
        var answers = false;
        foreach (var transition in transitions)
        {
            answers |= transition.Action != OwnershipAction.None;
            changes += transition.After.Owner != transition.Before.Owner ? 1 : 0;
            switch (transition.Action)
            {
                case OwnershipAction.Announce:
                    (announced ??= []).Add(transition.Vip);
                    break;
                case OwnershipAction.KeepAnswering or OwnershipAction.StopAnswering:
                    (hushed ??= []).Add(transition.Vip);
                    break;
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
                vips.Keys.Where(segment.Ownership.Answers).Select(vip => KeyValuePair.Create(vip, facts.Mac))));
        }

        if (announced is not null)
        {
            segment.Link.Announce(announced);
        }
    }

    private static void Measure(Segment segment, SegmentView view)
    {
        var onWire = view.Peers.Count(peer => peer.Source == MemberSource.Wire);
        SpeakerMetrics.Members.WithLabels(segment.Name, "wire").Set(onWire);
        SpeakerMetrics.Members.WithLabels(segment.Name, "lease").Set(view.Peers.Count - onWire);
        SpeakerMetrics.OneWay.WithLabels(segment.Name).Set(view.Peers.Count(peer => peer.Source == MemberSource.Wire && !peer.HearsUs));
    }

    private NodeFacts FactsOf(string node)
    {
        if (!nodeFacts.TryGetValue(node, out var facts))
        {
            facts = nodes.Get(new ObjectKey("", node)) is { } found
                ? new NodeFacts(found.Labels.ContainsKey(ExcludeLabel), found.NetworkUnavailable, found.Ready, found.Labels)
                : NodeFacts.Unknown;
            nodeFacts.Add(node, facts);
        }

        return facts;
    }

    private const string ExcludeLabel = "node.kubernetes.io/exclude-from-external-load-balancers";
}
