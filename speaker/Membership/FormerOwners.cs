using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Speaker.Membership;

/// <summary>
/// From whom each address came that this node owns: the kernel of the former owner knows the connections that began there. It is known for
/// as long as the former owner is heard on the wire; one that was lost has lost its connections. One thread at a time.
/// </summary>
public sealed class FormerOwners
{
    /// <summary>None.</summary>
    public static readonly IReadOnlyDictionary<IpAddress, MacAddress> None = new Dictionary<IpAddress, MacAddress>();

    private readonly Dictionary<IpAddress, string> nodes = [];

    /// <summary>Takes in what was decided.</summary>
    /// <param name="transitions">What changed.</param>
    /// <param name="self">This node.</param>
    public void Note(IReadOnlyList<OwnershipTransition> transitions, string self)
    {
        for (var i = 0; i < transitions.Count; i++)
        {
            var (vip, action, before, after) = transitions[i];
            if (after.Phase != OwnershipPhase.Owner)
            {
                nodes.Remove(vip);
            }
            else if (before.Phase != OwnershipPhase.Owner && action == OwnershipAction.Announce && before.Owner is { } former && former != self)
            {
                nodes[vip] = former;
            }
        }
    }

    /// <summary>What the run before this one knew: the hardware addresses, which say who it was.</summary>
    /// <param name="left">What it left in the kernel.</param>
    /// <param name="ownership">What this node owns.</param>
    /// <param name="view">Who is alive.</param>
    public void Adopt(IReadOnlyDictionary<IpAddress, MacAddress> left, SegmentOwnership ownership, SegmentView view)
    {
        foreach (var (vip, mac) in left)
        {
            if (ownership[vip].Phase == OwnershipPhase.Owner && view.Peers.FirstOrDefault(peer => peer.Mac == mac) is { } peer)
            {
                nodes.TryAdd(vip, peer.Node);
            }
        }
    }

    /// <summary>The former owners that are heard, with their hardware addresses. Who is not is forgotten.</summary>
    public IReadOnlyDictionary<IpAddress, MacAddress> Heard(SegmentView view)
    {
        if (nodes.Count == 0)
        {
            return None;
        }

        var macs = new Dictionary<IpAddress, MacAddress>(nodes.Count);
        foreach (var (vip, node) in nodes)
        {
            if (MacOf(view, node) is { Value: not 0 } mac)
            {
                macs.Add(vip, mac);
            }
            else
            {
                nodes.Remove(vip);
            }
        }

        return macs;
    }

    private static MacAddress MacOf(SegmentView view, string node)
    {
        foreach (var peer in view.Peers)
        {
            if (peer.Node == node && peer.Source == MemberSource.Wire && !peer.Deaf && !peer.Apart)
            {
                return peer.Mac;
            }
        }

        return default;
    }
}
