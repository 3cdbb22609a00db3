using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Conflicts;

/// <summary>Whose a hardware address is.</summary>
public enum StationKind : byte
{
    /// <summary>Nobody's of this cluster.</summary>
    Stranger,

    /// <summary>Another node's.</summary>
    Peer,

    /// <summary>This node's, on this or another link.</summary>
    Own,
}

/// <summary>Which hardware addresses belong to the cluster. One thread at a time.</summary>
public sealed class KnownStations
{
    /// <summary>
    /// For how long a node's hardware address is remembered after nothing was heard of it any more: a node whose speaker is gone is no
    /// stranger, and its kernel may still speak.
    /// </summary>
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    private readonly Dictionary<MacAddress, (string Node, TimeSpan At)> peers = [];
    private readonly HashSet<MacAddress> own = [];
    private readonly List<MacAddress> gone = [];

    /// <summary>Replaces this node's own hardware addresses.</summary>
    public void SetOwn(IEnumerable<MacAddress> macs)
    {
        own.Clear();
        own.UnionWith(macs);
    }

    /// <summary>A node has this hardware address at this moment.</summary>
    public void SetPeer(MacAddress mac, string node, TimeSpan now) => peers[mac] = (node, now);

    /// <summary>Whose it is.</summary>
    /// <param name="mac">The hardware address.</param>
    /// <param name="node">The node, if it is a peer's.</param>
    public StationKind Judge(MacAddress mac, out string node)
    {
        node = "";
        if (own.Contains(mac))
        {
            return StationKind.Own;
        }

        if (peers.TryGetValue(mac, out var peer))
        {
            node = peer.Node;
            return StationKind.Peer;
        }

        return StationKind.Stranger;
    }

    /// <summary>Lets time pass.</summary>
    public void Advance(TimeSpan now)
    {
        gone.Clear();
        foreach (var (mac, peer) in peers)
        {
            if (now - peer.At > Memory)
            {
                gone.Add(mac);
            }
        }

        foreach (var mac in gone)
        {
            peers.Remove(mac);
        }
    }
}
