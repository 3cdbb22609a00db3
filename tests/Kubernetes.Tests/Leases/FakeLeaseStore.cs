using System.Globalization;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Tests.Leases;

/// <summary>One Lease in memory with the API server's rules: create once, update only with the current resourceVersion.</summary>
internal sealed class FakeLeaseStore : ILeaseStore
{
    private readonly Lock gate = new();
    private LeaseResource? lease;
    private int version;

    internal LeaseResource? Lease
    {
        get
        {
            lock (gate)
            {
                return lease;
            }
        }
    }

    /// <summary>Whether the server can be reached.</summary>
    internal bool Down { get; set; }

    /// <summary>How many writes were accepted.</summary>
    internal int Writes { get; private set; }

    /// <summary>How many calls were made, failed ones too.</summary>
    internal int Calls { get; private set; }

    /// <summary>The lease as someone else writes it, without asking for a version.</summary>
    internal void Force(Func<LeaseResource, LeaseResource> change)
    {
        lock (gate)
        {
            lease = change(lease!) with { ResourceVersion = Next() };
        }
    }

    internal void Put(LeaseResource value)
    {
        lock (gate)
        {
            lease = value with { ResourceVersion = Next() };
        }
    }

    public Task<LeaseResource?> GetAsync(ObjectKey key, CancellationToken cancellationToken) => Answer(() => lease, cancellationToken);

    public Task<LeaseResource?> CreateAsync(LeaseResource created, CancellationToken cancellationToken) =>
        Answer(() => lease is null ? Store(created) : null, cancellationToken);

    public Task<LeaseResource?> UpdateAsync(LeaseResource updated, CancellationToken cancellationToken) =>
        Answer(() => lease?.ResourceVersion == updated.ResourceVersion ? Store(updated) : null, cancellationToken);

    private Task<LeaseResource?> Answer(Func<LeaseResource?> act, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            Calls++;
            cancellationToken.ThrowIfCancellationRequested();
            return Down ? Task.FromException<LeaseResource?>(new HttpRequestException("connection refused")) : Task.FromResult(act());
        }
    }

    private LeaseResource Store(LeaseResource value)
    {
        Writes++;
        return lease = value with { ResourceVersion = Next() };
    }

    private string Next() => (++version).ToString(CultureInfo.InvariantCulture);
}

/// <summary>A way to the store that is slow, hangs, or loses answers.</summary>
internal sealed class SlowLeaseStore(ILeaseStore inner, TimeProvider time, Func<(TimeSpan Before, TimeSpan After)> delays) : ILeaseStore
{
    public Task<LeaseResource?> GetAsync(ObjectKey key, CancellationToken cancellationToken) =>
        DelayedAsync(() => inner.GetAsync(key, CancellationToken.None), cancellationToken);

    public Task<LeaseResource?> CreateAsync(LeaseResource lease, CancellationToken cancellationToken) =>
        DelayedAsync(() => inner.CreateAsync(lease, CancellationToken.None), cancellationToken);

    public Task<LeaseResource?> UpdateAsync(LeaseResource lease, CancellationToken cancellationToken) =>
        DelayedAsync(() => inner.UpdateAsync(lease, CancellationToken.None), cancellationToken);

    /// <summary>Whether the way is cut: what is sent from now on does not arrive.</summary>
    internal bool Cut { get; set; }

    // A request that is cancelled while it is under way arrives all the same: the sender just never hears of it.
    private async Task<LeaseResource?> DelayedAsync(Func<Task<LeaseResource?>> act, CancellationToken cancellationToken)
    {
        if (Cut)
        {
            throw new HttpRequestException("no route to host");
        }

        var (before, after) = delays();
        var arrival = ArriveAsync(act, before);
        var result = await arrival.WaitAsync(cancellationToken);
        if (after > TimeSpan.Zero)
        {
            await Task.Delay(after, time, cancellationToken);
        }

        return result;
    }

    private async Task<LeaseResource?> ArriveAsync(Func<Task<LeaseResource?>> act, TimeSpan before)
    {
        if (before > TimeSpan.Zero)
        {
            await Task.Delay(before, time, CancellationToken.None);
        }

        return await act();
    }
}
