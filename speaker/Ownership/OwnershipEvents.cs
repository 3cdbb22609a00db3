using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>Reasons of Events about a Service's announcement. The names are the Event reasons; the first two are MetalLB's words.</summary>
#pragma warning disable CA1707, IDE1006 // MetalLB writes these two in lowerCamelCase, and people's alerts look for them.
public enum AnnouncementEvent
{
    /// <summary>Normal: a node began to announce an address.</summary>
    nodeAssigned,

    /// <summary>Warning: no node has one of the interfaces the pool names.</summary>
    announceFailed,

    /// <summary>Normal: nobody announces an address, since no endpoint serves.</summary>
    NoServingEndpoint,

    /// <summary>Warning: endpoints serve, but no node may own the address.</summary>
    NoEligibleNode,
}
#pragma warning restore CA1707, IDE1006

/// <summary>
/// Tells each change of owner once: the new owner that it has the address, and one speaker — the first in the election order — that
/// nobody has it. A restart that changes nothing is not told. One thread at a time.
/// </summary>
public sealed class OwnershipEvents
{
    // A Service is created moments before its endpoints serve; that is no news.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // What comes to this node this soon after its first address, without another having owned it, it had before it restarted.
    private static readonly TimeSpan AfterStart = TimeSpan.FromSeconds(5);

    private readonly IEventRecorder recorder;
    private readonly string node;
    private readonly Dictionary<IpAddress, string?> touched = [];
    private readonly HashSet<IpAddress> assigned = [];
    private readonly Dictionary<IpAddress, Nobody> nobody = [];
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

    /// <summary>Takes in what changed on a link.</summary>
    public void Note(IReadOnlyList<OwnershipTransition> transitions)
    {
        foreach (var transition in transitions)
        {
            touched[transition.Vip] = transition.Before.Owner;
        }
    }

    /// <summary>A link is gone, and with it what this node announced there.</summary>
    public void LinkGone()
    {
        foreach (var vip in assigned)
        {
            touched.TryAdd(vip, node);
        }
    }

    /// <summary>A pass is over: writes what is due.</summary>
    /// <param name="snapshot">The VIPs.</param>
    /// <param name="links">Each link with its election of this pass.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>When something is due next, or null.</returns>
    public TimeSpan? Flush(VipSnapshot snapshot, IReadOnlyList<(SegmentOwnership Ownership, SegmentElection Election)> links, TimeSpan now)
    {
        foreach (var (vip, former) in touched)
        {
            if (snapshot.Vips.TryGetValue(vip, out var facts))
            {
                Follow(vip, facts, former, snapshot.Services[vip], links, now);
            }
            else
            {
                assigned.Remove(vip);
                nobody.Remove(vip);
            }
        }

        touched.Clear();
        TimeSpan? next = null;
        foreach (var (vip, state) in nobody)
        {
            if (!state.Told && now >= state.Due)
            {
                nobody[vip] = state with { Told = true };
                TellNobody(snapshot.Vips[vip], snapshot.Services[vip], links);
            }
            else if (!state.Told && !(next < state.Due))
            {
                next = state.Due;
            }
        }

        return next;
    }

    private void Follow(
        IpAddress vip,
        VipFacts facts,
        string? former,
        IReadOnlyList<ServiceResource> services,
        IReadOnlyList<(SegmentOwnership Ownership, SegmentElection Election)> links,
        TimeSpan now)
    {
        bool owns = false, owned = false;
        foreach (var (ownership, _) in links)
        {
            var state = ownership[vip];
            owns |= state.Phase == OwnershipPhase.Owner;
            owned |= state.Owner is not null;
        }

        // On a further link of the same node it is no change of owner.
        if (!owns)
        {
            assigned.Remove(vip);
        }
        else if (assigned.Add(vip))
        {
            TellAssigned(services, former, now);
        }

        if (owned)
        {
            nobody.Remove(vip);
        }
        else if (!nobody.TryGetValue(vip, out var state) || state.Served != facts.Served)
        {
            nobody[vip] = new Nobody(facts.Served, now + Patience, Told: false);
        }
    }

    private void TellAssigned(IReadOnlyList<ServiceResource> services, string? former, TimeSpan now)
    {
        firstAssigned ??= now;
        foreach (var service in services)
        {
            var hadItBefore = (former is null || former == node) && now <= firstAssigned + AfterStart && service.Created < formerRun;
            if (!hadItBefore)
            {
                Record(service, EventSeverity.Normal, AnnouncementEvent.nodeAssigned, $"announcing from node \"{node}\" with protocol \"layer2\"");
            }
        }
    }

    private void TellNobody(
        VipFacts facts, IReadOnlyList<ServiceResource> services, IReadOnlyList<(SegmentOwnership Ownership, SegmentElection Election)> links)
    {
        if (links.Count == 0 || !links[0].Election.SelfReports(facts))
        {
            return;
        }

        var (severity, reason, message) = Explain(facts, links[0].Election);
        foreach (var service in services)
        {
            Record(service, severity, reason, message);
        }
    }

    private static (EventSeverity Severity, AnnouncementEvent Reason, string Message) Explain(VipFacts facts, SegmentElection election)
    {
        if (!facts.Served)
        {
            return (EventSeverity.Normal, AnnouncementEvent.NoServingEndpoint, $"{facts.Address} is not announced: no endpoint of the Service is ready");
        }

        var nodes = election.Explain(facts);
        return nodes.All(n => n.Why == Ineligible.Interface)
            ? (EventSeverity.Warning, AnnouncementEvent.announceFailed,
                $"{facts.Address} is not announced: pool \"{facts.Pool.Name}\" names the interfaces {string.Join(", ", facts.Pool.Interfaces)}, and no node has one of them here")
            : (EventSeverity.Warning, AnnouncementEvent.NoEligibleNode,
                $"{facts.Address} is not announced: no node may own it ({string.Join(", ", nodes.Take(10).Select(n => $"{n.Node}: {n.Why}"))})");
    }

    private void Record(ServiceResource service, EventSeverity severity, AnnouncementEvent reason, string message) =>
        recorder.Record(EventTarget.For(service), severity, reason.ToString(), message);

    private readonly record struct Nobody(bool Served, TimeSpan Due, bool Told);
}
