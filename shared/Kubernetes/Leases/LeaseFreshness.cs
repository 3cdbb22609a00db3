using System.Collections.Concurrent;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Leases;

/// <summary>
/// Which nodes' Leases are being renewed, by our own clock: what counts is when we last saw one change. While the API server is
/// away nobody can renew and we could not see it, so that time ages no Lease; when it is back every holder gets the full
/// duration to renew.
/// </summary>
public sealed class LeaseFreshness : IDisposable
{
    /// <summary>A longer silence of the API server than this is an outage. Our own Lease alone changes every 10 s.</summary>
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(20);

    private readonly IStore<LeaseResource> store;
    private readonly Func<long?> lastContact;
    private readonly TimeProvider time;
    private readonly ConcurrentDictionary<ObjectKey, Sighting> seen = new();
    private readonly Lock gate = new();
    private long contact;
    private long grace = long.MinValue;

    /// <summary>Judges the Leases of a store, from before its reflector starts.</summary>
    /// <param name="store">The Leases.</param>
    /// <param name="lastContact">When the API server was last heard: <see cref="Reflector{T}.LastContact"/> of the store's reflector.</param>
    /// <param name="time">The clock of those timestamps.</param>
    public LeaseFreshness(IStore<LeaseResource> store, Func<long?> lastContact, TimeProvider time)
    {
        this.store = store;
        this.lastContact = lastContact;
        this.time = time;
        contact = time.GetTimestamp();
        store.Changed += OnChanged;
    }

    /// <summary>Whether the Lease is held and has been renewed within its duration.</summary>
    public bool IsFresh(ObjectKey key) =>
        store.Get(key) is { HolderIdentity.Length: > 0 } lease && Age(key) is { } age && age < DurationOf(lease);

    /// <summary>How long ago it was last seen to change, outages of the API server not counted; null if there is no such Lease.</summary>
    public TimeSpan? Age(ObjectKey key)
    {
        var (now, from) = Contact();
        if (!seen.TryGetValue(key, out var sighting))
        {
            return null;
        }

        var since = Math.Max(sighting.At, from);
        return now > since ? time.GetElapsedTime(since, now) : TimeSpan.Zero;
    }

    /// <summary>How long ago it was last seen to change, by the clock, outages counted; null if there is no such Lease.</summary>
    public TimeSpan? SinceRenewal(ObjectKey key) => seen.TryGetValue(key, out var sighting) ? time.GetElapsedTime(sighting.At) : null;

    /// <inheritdoc/>
    public void Dispose() => store.Changed -= OnChanged;

    private static TimeSpan DurationOf(LeaseResource lease) =>
        lease.LeaseDurationSeconds > 0 ? TimeSpan.FromSeconds(lease.LeaseDurationSeconds) : NodeLease.Duration;

    // Only a renewal counts: a label somebody sets is a change too, but no sign of life.
    private void OnChanged(ObjectKey key)
    {
        Contact();
        if (store.Get(key) is not { } lease)
        {
            seen.TryRemove(key, out _);
        }
        else if (!seen.TryGetValue(key, out var before) || before.RenewTime != lease.RenewTime || before.Holder != lease.HolderIdentity)
        {
            seen[key] = new Sighting(lease.RenewTime, lease.HolderIdentity, time.GetTimestamp());
        }
    }

    private (long Now, long From) Contact()
    {
        var last = lastContact();
        lock (gate)
        {
            if (last is { } at && at > contact)
            {
                if (time.GetElapsedTime(contact, at) > Outage)
                {
                    grace = at;
                }

                contact = at;
            }

            return (contact, grace);
        }
    }

    private readonly record struct Sighting(DateTimeOffset? RenewTime, string Holder, long At);
}
