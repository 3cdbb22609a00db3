using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <summary>
/// Who keeps close company with whom on a large segment: the nodes stand in a ring, ordered by a hash, and each exchanges heartbeats with its
/// nearest on either side, however many there are. All nodes that know the same members come to the same pairs. One thread at a time.
/// </summary>
public sealed class SegmentRing
{
    /// <summary>How many neighbours there are on each side.</summary>
    public const int Reach = 4;

    private ulong[] ids = [];
    private int count;
    private int own;

    /// <summary>The place of an interface: the first 8 bytes of SHA256(node name, 0, link name). It also names it in what peers say of each other.</summary>
    public static ulong PlaceOf(ReadOnlySpan<byte> node, ReadOnlySpan<byte> link)
    {
        Span<byte> both = stackalloc byte[HeartbeatLayout.MaxNodeName + 1 + HeartbeatLayout.MaxLinkName];
        node.CopyTo(both);
        both[node.Length] = 0;
        link.CopyTo(both[(node.Length + 1)..]);
        return Peer.HashOf(both[..(node.Length + 1 + link.Length)]);
    }

    /// <summary>Begins anew with this node alone.</summary>
    /// <param name="self">This node's place.</param>
    /// <param name="most">How many others may be added.</param>
    public void Begin(ulong self, int most)
    {
        ids = ids.Length > most ? ids : new ulong[most + 1];
        ids[0] = self;
        count = 1;
    }

    /// <summary>One more stands in it.</summary>
    public void Add(ulong id) => ids[count++] = id;

    /// <summary>All have been added.</summary>
    /// <param name="self">This node's place.</param>
    public void End(ulong self)
    {
        Array.Sort(ids, 0, count);
        own = Array.BinarySearch(ids, 0, count, self);
    }

    /// <summary>Whether this node is a neighbour of one that stands, or would stand, at that place.</summary>
    public bool IsNear(ulong id) => Steps(own, id) is var (after, before) && Math.Min(after, before) <= Reach;

    /// <summary>Whether another member is.</summary>
    /// <param name="member">Its place.</param>
    /// <param name="id">The place it may be a neighbour of.</param>
    public bool IsNear(ulong member, ulong id) =>
        Array.BinarySearch(ids, 0, count, member) is >= 0 and var index && Steps(index, id) is var (after, before) && Math.Min(after, before) <= Reach;

    /// <summary>
    /// Of the neighbours of that place, the how manieth this node is: 0 the next after it, 1 the last before it, 2 the next but one and so on.
    /// </summary>
    public int Rank(ulong id)
    {
        var (after, before) = Steps(own, id);
        return after <= before ? 2 * (after - 1) : (2 * (before - 1)) + 1;
    }

    // How many steps from that place to a member, upwards and downwards.
    private (int After, int Before) Steps(int member, ulong id)
    {
        var at = Array.BinarySearch(ids, 0, count, id);
        if (at >= 0)
        {
            return (Modulo(member - at), Modulo(at - member));
        }

        // It would stand between the one before and the one at this index.
        at = ~at;
        return (Modulo(member - at) + 1, Modulo(at - 1 - member) + 1);
    }

    private int Modulo(int value) => ((value % count) + count) % count;
}
