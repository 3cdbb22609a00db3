using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>Since when the owner of each VIP, and this node's part, are what they are. One thread at a time.</summary>
internal sealed class OwnershipTimes
{
    private readonly Dictionary<string, Dictionary<IpAddress, TimeSpan>> byLink = new(StringComparer.Ordinal);

    /// <summary>Another number after each change.</summary>
    public long Version { get; private set; }

    /// <summary>Takes in what changed on a link.</summary>
    public void Note(string link, IReadOnlyList<OwnershipTransition> transitions, TimeSpan now)
    {
        if (transitions.Count == 0)
        {
            return;
        }

        if (!byLink.TryGetValue(link, out var times))
        {
            byLink.Add(link, times = []);
        }

        foreach (var (vip, _, before, after) in transitions)
        {
            if (after == default)
            {
                times.Remove(vip);
                Version++;
            }
            else if (after.Phase != before.Phase || after.Owner != before.Owner)
            {
                times[vip] = now;
                Version++;
            }
        }
    }

    /// <summary>A link is gone.</summary>
    public void Forget(string link)
    {
        byLink.Remove(link);
        Version++;
    }

    /// <summary>Since when, or null if it was never noted.</summary>
    public TimeSpan? Of(string link, IpAddress vip) =>
        byLink.TryGetValue(link, out var times) && times.TryGetValue(vip, out var since) ? since : null;
}
