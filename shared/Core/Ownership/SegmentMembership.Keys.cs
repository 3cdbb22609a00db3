using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <content>Peers that sign with another key: they are there, and cannot be understood.</content>
public sealed partial class SegmentMembership
{
    private static readonly TimeSpan ForeignFor = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A frame came in that is signed with a key this node does not accept. If it has a peer's hardware address, one of the two lacks a key
    /// that the other has.
    /// </summary>
    public void HearForeign(MacAddress mac, TimeSpan now)
    {
        NoteArrival(now);
        foreach (var peer in Peers)
        {
            peer.ForeignAt = peer.Mac == mac && peer.IsKnown ? now : peer.ForeignAt;
        }
    }

    /// <summary>Whether a peer was heard a moment ago that cannot be understood, and none that can.</summary>
    public bool UnderstandsNobody(TimeSpan now)
    {
        var foreign = false;
        foreach (var peer in Peers)
        {
            if (peer.OnWire && now < SuspectAt(peer))
            {
                return false;
            }

            foreign |= IsForeign(peer, now);
        }

        return foreign;
    }

    // Those that were lost get a frame five times a second, and everybody a hello each second.
    private static bool IsForeign(Peer peer, TimeSpan now) => now - peer.ForeignAt < ForeignFor;
}
