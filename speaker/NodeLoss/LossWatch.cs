using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.NodeLoss;

/// <summary>
/// What this speaker states of lost nodes in its Lease, from what it sees on its links and what the API server says of Nodes. Whether
/// anything comes of it the controllers decide. One thread at a time; <see cref="Statements"/> from any.
/// </summary>
/// <param name="nodes">All Nodes.</param>
/// <param name="leases">The speakers' Leases.</param>
/// <param name="node">This node.</param>
public sealed class LossWatch(IStore<NodeResource> nodes, IStore<LeaseResource> leases, string node)
{
    private readonly LossReporter reporter = new(node);
    private volatile string statements = "";

    /// <summary>The value of <see cref="LossAnnotations.Lost"/>, or empty.</summary>
    public string Statements => statements;

    /// <summary>Raised when <see cref="Statements"/> changed, on the thread of <see cref="Step"/>.</summary>
    public event Action? Changed;

    /// <summary>Looks at all links.</summary>
    /// <param name="segments">The links.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>When to look again though nothing has changed, or null.</returns>
    public TimeSpan? Step(IEnumerable<Segment> segments, TimeSpan now)
    {
        // Who hears nothing, has only just begun to listen or is not sure of itself says nothing of others.
        var seen = segments.Where(static segment => segment.LastView is { MayServe: true, StandsDown: false }).Select(segment => segment.Losses(now)).ToList();
        if (statements.Length == 0 && seen.TrueForAll(static losses => losses.Gone.Count == 0))
        {
            return null;
        }

        var deadline = reporter.Decide(seen, InternalAddresses, IsStatedByAnother, now);
        var text = LossAnnotations.Of(reporter.Statements);
        if (text != statements)
        {
            statements = text;
            Changed?.Invoke();
        }

        return deadline;
    }

    private IReadOnlyList<IpAddress> InternalAddresses(string name) => nodes.Get(new ObjectKey("", name))?.InternalAddresses ?? [];

    private bool IsStatedByAnother(string lost, ulong boot) => leases.All().Any(lease =>
        NodeLease.IsHeld(lease) && lease.HolderIdentity != node && lease.HolderIdentity != lost
        && LossAnnotations.LostOf(lease).Any(statement => statement.Node == lost && statement.Boot == boot));
}
