using System.Runtime.InteropServices;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <summary>
/// The election order of every address among all nodes ever met, hashed once. A node that dies or returns changes who is a candidate,
/// not the order, so a failover of thousands of VIPs computes no hash. One thread at a time.
/// </summary>
public sealed class ElectionOrders
{
    private readonly List<string> nodes = [];
    private readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    private readonly Dictionary<IpAddress, List<Entry>> orders = [];

    /// <summary>The nodes met, by their id.</summary>
    public IReadOnlyList<string> Nodes => nodes;

    /// <summary>The number of addresses remembered.</summary>
    public int Count => orders.Count;

    /// <summary>The node's id, from 0 on; a node not met before gets the next.</summary>
    public int IdOf(string node)
    {
        ref var id = ref CollectionsMarshal.GetValueRefOrAddDefault(ids, node, out var known);
        if (!known)
        {
            id = nodes.Count;
            nodes.Add(node);
        }

        return id;
    }

    /// <summary>The ids of all nodes met, in the order of preference for the address. Valid until the next call.</summary>
    public ReadOnlySpan<Entry> Order(IpAddress address)
    {
        if (!orders.TryGetValue(address, out var order))
        {
            orders.Add(address, order = new List<Entry>(nodes.Count));
        }

        for (var id = order.Count; id < nodes.Count; id++)
        {
            var entry = new Entry(Election.Rank(nodes[id], address), id);
            var at = order.BinarySearch(entry);
            order.Insert(at < 0 ? ~at : at, entry);
        }

        return CollectionsMarshal.AsSpan(order);
    }

    /// <summary>Forgets addresses that are no longer VIPs.</summary>
    public void Retain(IReadOnlySet<IpAddress> live)
    {
        foreach (var address in orders.Keys)
        {
            if (!live.Contains(address))
            {
                orders.Remove(address);
            }
        }
    }

    /// <summary>A node in an order.</summary>
    /// <param name="Rank">See <see cref="Election.Rank"/>.</param>
    /// <param name="Node">Its id.</param>
    public readonly record struct Entry(UInt128 Rank, int Node) : IComparable<Entry>
    {
        /// <inheritdoc/>
        public int CompareTo(Entry other) => Rank != other.Rank ? Rank.CompareTo(other.Rank) : Node.CompareTo(other.Node);

        /// <summary>Sorts before.</summary>
        public static bool operator <(Entry left, Entry right) => left.CompareTo(right) < 0;

        /// <summary>Sorts after.</summary>
        public static bool operator >(Entry left, Entry right) => left.CompareTo(right) > 0;

        /// <summary>Sorts before, or equal.</summary>
        public static bool operator <=(Entry left, Entry right) => left.CompareTo(right) <= 0;

        /// <summary>Sorts after, or equal.</summary>
        public static bool operator >=(Entry left, Entry right) => left.CompareTo(right) >= 0;
    }
}
