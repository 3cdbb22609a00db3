using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Conflicts;

/// <summary>Which hardware addresses belong to the cluster. One thread at a time.</summary>
public sealed class KnownStations
{
    /// <summary>
    /// For how long a node's hardware address is remembered after nothing was heard of it any more: a node whose speaker is gone is no
    /// stranger, and its kernel may still speak.
    /// </summary>
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    private readonly Dictionary<MacAddress, TimeSpan> peers = [];
    private readonly HashSet<MacAddress> own = [];
    private readonly List<MacAddress> gone = [];
    private IReadOnlySet<MacAddress>? all;

    /// <summary>All of them, as an immutable snapshot: the same one until something changes.</summary>
    public IReadOnlySet<MacAddress> All => all ??= own.Concat(peers.Keys).ToHashSet();

    /// <summary>Replaces this node's own hardware addresses.</summary>
    public void SetOwn(IReadOnlyCollection<MacAddress> macs)
    {
        if (!own.SetEquals(macs))
        {
            own.Clear();
            own.UnionWith(macs);
            all = null;
        }
    }

    /// <summary>A node has this hardware address at this moment.</summary>
    public void SetPeer(MacAddress mac, TimeSpan now)
    {
        if (!peers.ContainsKey(mac))
        {
            all = null;
        }

        peers[mac] = now;
    }

    /// <summary>Whether it is nobody's of this cluster.</summary>
    public bool IsStranger(MacAddress mac) => !own.Contains(mac) && !peers.ContainsKey(mac);

    /// <summary>Lets time pass.</summary>
    public void Advance(TimeSpan now)
    {
        gone.Clear();
        foreach (var (mac, at) in peers)
        {
            if (now - at > Memory)
            {
                gone.Add(mac);
            }
        }

        foreach (var mac in gone)
        {
            peers.Remove(mac);
            all = null;
        }
    }
}
