using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Membership;

/// <summary>What membership and ownership need of an open link. Everything may be called from any thread.</summary>
public interface ISegmentLink
{
    /// <summary>The link as it is now; name and index stay.</summary>
    LinkFacts Facts { get; }

    /// <summary>Sends one frame; false if the kernel refused it.</summary>
    bool Send(ReadOnlySpan<byte> frame);

    /// <summary>Whether frames wait that were not looked at yet: the peers may have spoken already.</summary>
    bool HasUnread { get; }

    /// <summary>How many frames came in so far, of any kind.</summary>
    long Arrivals { get; }

    /// <summary>Swaps in what the link answers for.</summary>
    void Answer(AnswerTable table);

    /// <summary>Announces addresses this link has just begun to answer for.</summary>
    void Announce(IReadOnlyList<IpAddress> vips);

    /// <summary>Announces addresses once more, for hosts that ask nobody but the owner whose speaker is away.</summary>
    void Repeat(IReadOnlyList<IpAddress> vips);

    /// <summary>Asks the kernel of a silent peer whether the node lives; what it answers comes in as a frame.</summary>
    void Ask(in CheckTarget target);

    /// <summary>The link may answer until then; it stops by itself if this is not said again in time.</summary>
    void AnswerUntil(TimeSpan until);

    /// <summary>This node knows what is its own on the link: what a former run of the speaker left in the kernel is over.</summary>
    void Serve()
    {
    }

    /// <summary>Who else speaks on the link, and to which former owner of an address its older connections are sent on.</summary>
    void Follow(IReadOnlyCollection<MacAddress> peers, IReadOnlyDictionary<IpAddress, MacAddress> formers)
    {
    }

    /// <summary>What is not to be kept from this process, of frames that do not concern it.</summary>
    /// <param name="everything">Everything: it is in doubt about somebody.</param>
    /// <param name="strangers">Now and then one: it looks for hosts to be witnesses.</param>
    void Need(bool everything, bool strangers)
    {
    }

    /// <summary>When an address was last asked for, as far as that was kept from this process; null if it was not.</summary>
    TimeSpan? AskedAt(IpAddress vip) => null;

    /// <summary>The speaker stops, and these addresses remain this node's meanwhile.</summary>
    void Leave(IReadOnlyCollection<IpAddress> vips)
    {
    }

    /// <summary>The former owners that connections are sent on to already, as the run before this one left it.</summary>
    IReadOnlyDictionary<IpAddress, MacAddress> Formers => FormerOwners.None;

    /// <summary>This node's own connections to these addresses are to stay its own, also those from before its kernel took part.</summary>
    void Adopt(IReadOnlyCollection<IpAddress> vips)
    {
    }

    /// <summary>Whether the connections that began at the former owner of an address are sent on to it.</summary>
    bool KeepsConnections(IpAddress vip) => false;

    /// <summary>Announces addresses no more; they may be answered for a while yet.</summary>
    void Hush(IReadOnlyList<IpAddress> vips);
}
