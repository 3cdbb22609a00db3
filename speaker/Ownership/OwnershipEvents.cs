using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Pools;
using LoadBalancer.Core.Timing;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>
/// Tells each change of owner once: the new owner that it has the address, from whom and why; and one speaker — the first in the election
/// order — that nobody has it. A restart that changes nothing is not told. What lasts is said again before the API server forgets it, so
/// that <c>kubectl describe service</c> answers at any time. One thread at a time.
/// </summary>
public sealed class OwnershipEvents
{
    // A Service is created moments before its endpoints serve; that is no news.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // What comes to this node this soon after its first address, without another having owned it, it had before it restarted.
    private static readonly TimeSpan AfterStart = TimeSpan.FromSeconds(5);

    // The former owner may act on a fact that this node gets a moment later, and then knows as the reason.
    private static readonly TimeSpan ReasonPatience = TimeSpan.FromSeconds(1);

    // A former run's Event may be as old as the period of repetition: soon said again, or it is forgotten meanwhile.
    private static readonly TimeSpan RepeatAfterStart = TimeSpan.FromMinutes(5);

    // Of thousands of addresses that nobody has, each has its own time.
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(250);

    private readonly IEventRecorder recorder;
    private readonly string node;
    private readonly Dictionary<IpAddress, string?> touched = [];
    private readonly Dictionary<IpAddress, Statement> assigned = [];
    private readonly HashSet<IpAddress> resumed = [];
    private readonly Dictionary<IpAddress, (string? Former, TimeSpan Since)> unsure = [];
    private readonly Dictionary<IpAddress, Nobody> nobody = [];
    private SpeakerLeases? leases;
    private VipSnapshot known = VipSnapshot.Empty;

    // When the first of each is to be looked at: with thousands there is something to say now and then, and something to be decided all the time.
    private TimeSpan assignedDue = TimeSpan.MaxValue;
    private TimeSpan nobodyDue = TimeSpan.MaxValue;
    private TimeSpan nobodyPaced = TimeSpan.MinValue;
    private DateTimeOffset? formerRun;
    private TimeSpan? firstAssigned;

    /// <summary>Events of this node's speaker.</summary>
    /// <param name="recorder">Writes them.</param>
    /// <param name="node">This node.</param>
    public OwnershipEvents(IEventRecorder recorder, string node)
    {
        this.recorder = recorder;
        this.node = node;
    }

    /// <summary>
    /// When the former run of this speaker last renewed its Lease, by this node's wall clock: Services older than that had their Event.
    /// Only the number of Events depends on it.
    /// </summary>
    public void RememberFormerRun(DateTimeOffset? lastRenewed) => formerRun = lastRenewed;

    /// <summary>Whether there is something that is told once this node is sure of it, which may be at any time.</summary>
    public bool IsUnsure => unsure.Count > 0;

    /// <summary>Takes in what changed on a link.</summary>
    public void Note(IReadOnlyList<OwnershipTransition> transitions)
    {
        foreach (var transition in transitions)
        {
            touched[transition.Vip] = transition.Before.Owner;

            // It was this node's all the time, and that was told.
            if (transition.Action == OwnershipAction.Resume)
            {
                resumed.Add(transition.Vip);
            }
        }
    }

    /// <summary>A link is gone, and with it what this node announced there.</summary>
    public void LinkGone()
    {
        foreach (var vip in assigned.Keys)
        {
            touched.TryAdd(vip, node);
        }
    }

    /// <summary>A pass is over: writes what is due.</summary>
    /// <param name="snapshot">The VIPs.</param>
    /// <param name="links">Each link with its election of this pass.</param>
    /// <param name="leases">The speakers' Leases.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>When something is due next, or null.</returns>
    public TimeSpan? Flush(
        VipSnapshot snapshot, IReadOnlyList<LinkDecision> links, SpeakerLeases leases, TimeSpan now)
    {
        this.leases = leases;
        if (!ReferenceEquals(snapshot, known))
        {
            var changed = snapshot.ChangedSince(known);
            known = snapshot;
            FollowSnapshot(changed ?? assigned.Keys.Concat(unsure.Keys).Concat(nobody.Keys).Concat(known.Unusable.Keys).ToHashSet(), now);
        }

        foreach (var (vip, (former, _)) in unsure.Where(entry => IsSure(entry.Key, entry.Value.Since, links)).ToArray())
        {
            touched.TryAdd(vip, former);
        }

        foreach (var (vip, former) in touched)
        {
            if (known.Vips.TryGetValue(vip, out var facts))
            {
                Follow(vip, facts, former, links, now);
            }
        }

        touched.Clear();
        return Deadline.Earlier(TellNobody(links, now), RepeatAssigned(links, now));
    }

    /// <summary>VIPs that are gone are forgotten; Services that came to a VIP which is announced already are told.</summary>
    private void FollowSnapshot(IEnumerable<IpAddress> changed, TimeSpan now)
    {
        foreach (var vip in changed)
        {
            if (!known.Vips.ContainsKey(vip))
            {
                assigned.Remove(vip);
                unsure.Remove(vip);
            }

            if (nobody.TryGetValue(vip, out var before) && IsOver(vip, before))
            {
                nobody.Remove(vip);
            }

            if (assigned.TryGetValue(vip, out var statement))
            {
                statement.TellNewcomers(known.Services[vip], recorder);
            }

            if (known.Unusable.TryGetValue(vip, out var unusable))
            {
                nobody.TryAdd(vip, new Nobody(unusable.Reason, null, new Statement(now, now + Patience)));
            }

            if (nobody.TryGetValue(vip, out var state))
            {
                state.Statement.Await(ServicesOf(vip), now + Patience);
                nobodyDue = Deadline.Earlier(nobodyDue, state.Statement.NextDue);
            }
        }
    }

    private IReadOnlyList<AnnouncedService> ServicesOf(IpAddress vip) =>
        known.Services.GetValueOrDefault(vip) ?? known.Unusable.GetValueOrDefault(vip)?.Services ?? [];

    private bool IsOver(IpAddress vip, Nobody state) =>
        state.Unusable is { } reason ? known.Unusable.GetValueOrDefault(vip)?.Reason != reason : !known.Vips.ContainsKey(vip);

    private void Follow(
        IpAddress vip,
        VipFacts facts,
        string? former,
        IReadOnlyList<LinkDecision> links,
        TimeSpan now)
    {
        // On a further link of the same node it is no change of owner.
        var home = LinkOf(vip, links);
        if (home is null)
        {
            assigned.Remove(vip);
            resumed.Remove(vip);
            unsure.Remove(vip);
        }
        else if (!assigned.ContainsKey(vip) && !IsSure(vip, unsure.TryGetValue(vip, out var first) ? first.Since : now, links))
        {
            unsure.TryAdd(vip, (former, now));
        }
        else if (!assigned.ContainsKey(vip))
        {
            former = unsure.Remove(vip, out var waited) ? waited.Former : former;
            var statement = AnnouncementText.IsExplained(node, former, facts, home.Election)
                ? TellAssigned(facts, former, home, now)
                : new Statement(now, now + ReasonPatience) { Former = former };
            assigned.Add(vip, statement);
            assignedDue = Deadline.Earlier(assignedDue, statement.Due);
        }

        if (links.Any(link => link.Ownership[vip].Owner is not null))
        {
            nobody.Remove(vip);
        }
        else if (!nobody.TryGetValue(vip, out var state) || state.Served != facts.Served)
        {
            var statement = new Statement(now, now + Patience);
            statement.Await(known.Services[vip], statement.Due);
            nobody[vip] = new Nobody(null, former, statement, facts.Served);
            nobodyDue = Deadline.Earlier(nobodyDue, statement.NextDue);
        }
    }

    // A node that hears the lesser part may be the one that was cut off, and what it says arrive when the VIP is elsewhere: only with the API
    // server known to be in reach. Its own Lease shows that sooner than watches on which nothing happens.
    private bool IsSure(IpAddress vip, TimeSpan since, IReadOnlyList<LinkDecision> links) =>
        links.Any(link => link.Ownership[vip].Phase == OwnershipPhase.Owner && (link.IsGreaterPart || ((link.MayTell || link.HearsMost) && leases!.RenewedSince(since))));

    // The last link on which this node owns it, or null.
    private static LinkDecision? LinkOf(IpAddress vip, IReadOnlyList<LinkDecision> links) =>
        links.LastOrDefault(link => link.Ownership[vip].Phase == OwnershipPhase.Owner);

    private Statement TellAssigned(VipFacts facts, string? former, LinkDecision link, TimeSpan now)
    {
        firstAssigned ??= now;
        var services = known.Services[facts.Address];
        var text = AnnouncementText.Assigned(node, former, facts, link);
        var statement = new Statement(now, now);
        var mayHaveHadIt = (former is null || former == node) && now <= firstAssigned + AfterStart;
        var hadIt = resumed.Remove(facts.Address);
        statement.Withhold(text, services.Where(WasTold), now + RepeatAfterStart);
        statement.TellNewcomers(services, recorder);
        return statement;

        // An address that is resumed may be another Service's by now. While the former run is unknown, the API server is away.
        bool WasTold(AnnouncedService service) =>
            (hadIt && formerRun is null) || ((hadIt || mayHaveHadIt) && service.Created < formerRun);
    }

    private TimeSpan? RepeatAssigned(IReadOnlyList<LinkDecision> links, TimeSpan now)
    {
        if (now >= assignedDue)
        {
            assignedDue = TimeSpan.MaxValue;
            foreach (var (vip, statement) in assigned)
            {
                if (now >= statement.Due)
                {
                    statement.Tell(
                        statement.Text ?? AnnouncementText.Assigned(node, statement.Former, known.Vips[vip], LinkOf(vip, links)),
                        known.Services[vip], recorder, now);
                }

                assignedDue = Deadline.Earlier(assignedDue, statement.Due);
            }
        }

        return assigned.Count == 0 ? null : assignedDue;
    }

    private TimeSpan? TellNobody(IReadOnlyList<LinkDecision> links, TimeSpan now)
    {
        if (now >= nobodyDue && now >= nobodyPaced)
        {
            nobodyDue = TimeSpan.MaxValue;
            nobodyPaced = now + Pace;
            foreach (var (vip, state) in nobody)
            {
                if (now >= state.Statement.Due)
                {
                    TellNobody(vip, state, links, now);
                }
                else if (now >= state.Statement.NextDue)
                {
                    state.Statement.TellAwaited(ServicesOf(vip), recorder, now);
                }

                nobodyDue = Deadline.Earlier(nobodyDue, state.Statement.NextDue);
            }
        }

        return nobody.Count == 0 ? null : nobodyDue > nobodyPaced ? nobodyDue : nobodyPaced;
    }

    // Asked anew each time it is due: whoever said it may be gone. What is said is what is so now, by one who can know it.
    private void TellNobody(IpAddress vip, Nobody state, IReadOnlyList<LinkDecision> links, TimeSpan now)
    {
        if (state.Unusable is not null)
        {
            var unusable = known.Unusable[vip];
            Say(links.Count == 0 ? null : links[0], vip, unusable.Text, unusable.Services);
            return;
        }

        var facts = known.Vips[vip];
        var verdicts = links.SelectMany(link => link.Election.Explain(facts)).DistinctBy(static verdict => (verdict.Node, verdict.Link)).ToList();
        var home = links.FirstOrDefault(link => link.Election.Concerns(facts)) ?? (links.Count == 0 || HasIt(facts.Pool, verdicts) ? null : links[0]);
        Say(home, facts.ElectionAddress, AnnouncementText.Nobody(facts, state.Former, verdicts), known.Services[vip]);

        void Say(LinkDecision? on, IpAddress order, AnnouncementText text, IReadOnlyList<AnnouncedService> services)
        {
            if (on is not { MayTell: true })
            {
                state.Statement.Wait(now + Patience);
            }
            else if (on.Election.SelfReports(order))
            {
                state.Statement.Tell(text, services, recorder, now);
            }
            else
            {
                state.Statement.Wait(now + IEventRecorder.RepeatPeriod);
            }
        }
    }

    // A node that this one does not hear there has one of the pool's interfaces: whether it announces is for those on its segment to say.
    private bool HasIt(Pool pool, List<LinkVerdict> heard) =>
        pool.Interfaces.Count > 0 && leases!.HasElsewhere(pool.Interfaces, heard);

    private sealed record Nobody(AnnouncementEvent? Unusable, string? Former, Statement Statement, bool Served = false);
}

/// <summary>One link in one pass.</summary>
/// <param name="Ownership">What this node has there.</param>
/// <param name="Election">Who may own what.</param>
/// <param name="MayTell">Whether this node knows enough to say that nobody has a VIP.</param>
/// <param name="IsGreaterPart">Whether it hears more than half of the nodes it knows there, and what it has from the API server is news.</param>
/// <param name="HearsMost">Whether it hears more than half of the nodes it knows there, whatever it has from the API server.</param>
public sealed record LinkDecision(SegmentOwnership Ownership, SegmentElection Election, bool MayTell, bool IsGreaterPart, bool HearsMost)
{
    /// <summary>Whether the connections that began at the former owner of an address stay.</summary>
    public Func<IpAddress, bool> Keeps { get; init; } = static _ => false;
}
