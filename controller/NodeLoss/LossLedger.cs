using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.NodeLoss;

/// <summary>
/// The record of losses that all replicas share: one Lease, written only as it was read, so that of two replicas one enters a loss and the
/// other sees it, and the brakes count the same everywhere. One thread at a time.
/// </summary>
/// <param name="leases">Where the Lease is.</param>
/// <param name="seen">The Lease as watched.</param>
/// <param name="key">Its name.</param>
/// <param name="identity">This replica.</param>
/// <param name="time">The clock of its renewTime, which nobody compares.</param>
internal sealed class LossLedger(ILeaseStore leases, IStore<LeaseResource> seen, ObjectKey key, string identity, TimeProvider time)
{
    private readonly LossRecord record = new();
    private LeaseResource? known;

    /// <summary>What is recorded, as this replica saw it.</summary>
    public LossRecord Record => record;

    /// <summary>Takes in what the watch has brought.</summary>
    /// <param name="now">Monotonic time.</param>
    public void Refresh(TimeSpan now)
    {
        if (seen.Get(key) is { } lease && lease.ResourceVersion != known?.ResourceVersion)
        {
            Take(lease, now);
        }
    }

    /// <summary>Enters what becomes of a loss.</summary>
    /// <returns>False if another replica has written meanwhile: what it wrote is known now, and everything is to be judged anew.</returns>
    /// <exception cref="HttpRequestException">The server refused or could not be reached.</exception>
    public async Task<bool> TryWriteAsync(LossEntry entry, TimeSpan now, CancellationToken stop)
    {
        known ??= await leases.GetAsync(key, stop).ConfigureAwait(false);
        if (known is { } read)
        {
            record.Observe(LossAnnotations.LossesOf(read), now);
        }

        var next = (known ?? new LeaseResource { Key = key }) with
        {
            HolderIdentity = identity,
            RenewTime = time.GetUtcNow(),
            Labels = Labels,
            Annotations = new Dictionary<string, string> { [LossAnnotations.Losses] = LossAnnotations.Of(record.With(entry, now)) },
        };
        var written = known is null
            ? await leases.CreateAsync(next, stop).ConfigureAwait(false)
            : await leases.UpdateAsync(next, stop).ConfigureAwait(false);
        if (written is not null)
        {
            Take(written, now);
            return true;
        }

        if (await leases.GetAsync(key, stop).ConfigureAwait(false) is { } current)
        {
            Take(current, now);
        }
        else
        {
            known = null;
        }

        return false;
    }

    private void Take(LeaseResource lease, TimeSpan now)
    {
        known = lease;
        record.Observe(LossAnnotations.LossesOf(lease), now);
    }

    private static readonly Dictionary<string, string> Labels = new()
    {
        ["app.kubernetes.io/name"] = "loadbalancer",
        ["app.kubernetes.io/component"] = "controller",
    };
}
