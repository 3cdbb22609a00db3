using System.Runtime.InteropServices;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <summary>
/// The election order of every address among all nodes met lately, hashed once. A node that dies or returns changes who is a candidate,
/// not the order, so a failover of thousands of VIPs computes no hash. One thread at a time.
/// </summary>
public sealed class ElectionOrders
{
    /// <summary>How long a node that nobody asks for is remembered: longer than a reboot or a repair takes.</summary>
    public static readonly TimeSpan KeepFor = TimeSpan.FromHours(1);

    /// <summary>With more nodes than this, those that the last elections did not ask for are forgotten at once: a cluster whose nodes get new names.</summary>
    public const int MostNodes = 1024;

    private readonly List<string> nodes = [];
    private readonly List<TimeSpan> askedAt = [];
    private readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    private readonly Dictionary<IpAddress, List<Entry>> orders = [];
    private TimeSpan time;

    /// <summary>The nodes met lately, by their id.</summary>
    public IReadOnlyList<string> Nodes => nodes;

    /// <summary>The number of addresses remembered.</summary>
    public int Count => orders.Count;

    /// <summary>The node's id, from 0 on; a node not met before gets the next. Valid until <see cref="Forget"/>.</summary>
    public int IdOf(string node)
    {
        ref var id = ref CollectionsMarshal.GetValueRefOrAddDefault(ids, node, out var known);
        if (!known)
        {
            id = nodes.Count;
            nodes.Add(node);
            askedAt.Add(time);
        }

        askedAt[id] = time;
        return id;
    }

    /// <summary>
    /// Forgets nodes that <see cref="IdOf"/> was not asked for in <see cref="KeepFor"/>. To be called between elections: ids change.
    /// </summary>
    /// <param name="now">Monotonic time.</param>
    public void Forget(TimeSpan now)
    {
        var last = time;
        time = now;
        var since = nodes.Count > MostNodes && last > now - KeepFor ? last : now - KeepFor;
        if (!askedAt.Exists(at => at < since))
        {
            return;
        }

        var kept = 0;
        var newIds = new int[nodes.Count];
        for (var id = 0; id < nodes.Count; id++)
        {
            newIds[id] = askedAt[id] < since ? -1 : kept++;
        }

        foreach (var order in orders.Values)
        {
            Renumber(order, newIds);
        }

        for (var id = 0; id < newIds.Length; id++)
        {
            if (newIds[id] < 0)
            {
                ids.Remove(nodes[id]);
                continue;
            }

            ids[nodes[id]] = newIds[id];
            nodes[newIds[id]] = nodes[id];
            askedAt[newIds[id]] = askedAt[id];
        }

        nodes.RemoveRange(kept, nodes.Count - kept);
        askedAt.RemoveRange(kept, askedAt.Count - kept);
    }

    /// <summary>The ids of all nodes met lately, in the order of preference for the address. Valid until the next call.</summary>
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

    // An order knows the first nodes, as many as were met when it was last asked for; that stays so, since those kept stay in their order.
    private static void Renumber(List<Entry> order, int[] newIds)
    {
        var entries = CollectionsMarshal.AsSpan(order);
        var kept = 0;
        foreach (var entry in entries)
        {
            if (newIds[entry.Node] is >= 0 and var id)
            {
                entries[kept++] = entry with { Node = id };
            }
        }

        order.RemoveRange(kept, order.Count - kept);
        if (order.Capacity > 2 * (kept + 2))
        {
            order.TrimExcess();
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
