using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Core.Conflicts;

/// <summary>Which of the speakers on a segment probes its free addresses.</summary>
public static class ProberElection
{
    /// <summary>
    /// Whether it is this node: the first by name of those alive and ready. Two that see it differently for a moment both probe, which
    /// costs a few frames and nothing else.
    /// </summary>
    public static bool IsElected(SegmentView view)
    {
        if (!view.Self.Ready || view.Self.Leaving)
        {
            return false;
        }

        foreach (var peer in view.Peers)
        {
            if (peer.Ready && !peer.Leaving && !peer.Apart && string.CompareOrdinal(peer.Node, view.Self.Node) < 0)
            {
                return false;
            }
        }

        return true;
    }
}
