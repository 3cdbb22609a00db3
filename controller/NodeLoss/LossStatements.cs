using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.NodeLoss;

/// <summary>A loss as the speakers' Leases tell it.</summary>
/// <param name="Statement">What is said; of several the one that most agree on.</param>
/// <param name="Reporter">The node of the speaker that says so.</param>
/// <param name="Since">When this replica first saw it said, by its own clock.</param>
internal sealed record StatedLoss(LossStatement Statement, string Reporter, TimeSpan Since);

/// <summary>
/// Which nodes the speakers say they have lost. What a first LIST holds may be old news: it counts from the moment its Lease is seen to
/// be renewed. What is said by a Lease that is renewed no more is said by nobody. One thread at a time.
/// </summary>
/// <param name="leases">The speakers' Leases.</param>
/// <param name="sinceRenewal">How long ago a Lease was last seen to be renewed; null if there is none.</param>
internal sealed class LossStatements(IStore<LeaseResource> leases, Func<ObjectKey, TimeSpan?> sinceRenewal)
{
    // Renewed every 10 s; two in a row may fail.
    private static readonly TimeSpan GoodFor = 3 * NodeLease.Period;

    private readonly Dictionary<ObjectKey, DateTimeOffset?> foundAtStart = [];
    private readonly Dictionary<(string Node, ulong Boot), TimeSpan> since = [];
    private bool started;

    /// <summary>What is said now.</summary>
    /// <param name="now">Monotonic time.</param>
    public IReadOnlyList<StatedLoss> Read(TimeSpan now)
    {
        if (!started)
        {
            started = true;
            foreach (var lease in leases.All())
            {
                foundAtStart[lease.Key] = lease.RenewTime;
            }
        }

        var said = new Dictionary<(string Node, ulong Boot), (LossStatement Statement, string Reporter)>();
        foreach (var lease in leases.All().Where(IsLive))
        {
            foreach (var statement in LossAnnotations.LostOf(lease).Where(s => s.Node != lease.HolderIdentity))
            {
                var key = (statement.Node, statement.Boot);
                if (!said.TryGetValue(key, out var other) || Rank(statement) > Rank(other.Statement))
                {
                    said[key] = (statement, lease.HolderIdentity);
                }
            }
        }

        foreach (var gone in since.Keys.Where(key => !said.ContainsKey(key)).ToList())
        {
            since.Remove(gone);
        }

        foreach (var key in said.Keys)
        {
            since.TryAdd(key, now);
        }

        return [.. said.Select(entry => new StatedLoss(entry.Value.Statement, entry.Value.Reporter, since[entry.Key]))
            .OrderBy(static loss => loss.Since).ThenBy(static loss => loss.Statement.Node, StringComparer.Ordinal)];
    }

    /// <summary>A speaker other than the reporter that says, renewed since, that it hears it; null if none does.</summary>
    /// <param name="loss">The loss.</param>
    /// <param name="now">Monotonic time.</param>
    public string? HeardBy(StatedLoss loss, TimeSpan now)
    {
        foreach (var lease in leases.All())
        {
            if (NodeLease.IsHeld(lease) && lease.HolderIdentity != loss.Reporter
                && sinceRenewal(lease.Key) < now - loss.Since && SpeakerAnnotations.IsHeard(lease, loss.Statement.Node))
            {
                return lease.HolderIdentity;
            }
        }

        return null;
    }

    /// <summary>Whether a speaker that said so lives and says so no more; one that is gone has taken nothing back.</summary>
    public bool IsTakenBack(StatedLoss loss) => leases.All().Any(lease => lease.HolderIdentity == loss.Reporter && IsLive(lease));

    private bool IsLive(LeaseResource lease) =>
        NodeLease.IsHeld(lease) && sinceRenewal(lease.Key) < GoodFor
        && !(foundAtStart.TryGetValue(lease.Key, out var found) && found == lease.RenewTime);

    private static int Rank(LossStatement statement) => (2 * statement.Agreed) + (statement.Witness ? 1 : 0);
}
