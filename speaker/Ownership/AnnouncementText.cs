using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Kubernetes.Events;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>What is said of a VIP: the Event's type, reason and message.</summary>
/// <param name="Severity">Normal or Warning.</param>
/// <param name="Reason">The Event's reason.</param>
/// <param name="Message">For people.</param>
public sealed record AnnouncementText(EventSeverity Severity, AnnouncementEvent Reason, string Message)
{
    // An Event has room for about as many; the log and the metrics have no need of more.
    private const int MostNodes = 10;

    /// <summary>This node has the address.</summary>
    /// <param name="node">This node.</param>
    /// <param name="former">Who had it, or null.</param>
    /// <param name="vip">The address.</param>
    /// <param name="election">The election on the link, which knows what is wrong with the former owner.</param>
    public static AnnouncementText Assigned(string node, string? former, VipFacts vip, SegmentElection? election)
    {
        // MetalLB's words up to here: people's scripts look for them.
        var message = $"announcing from node \"{node}\" with protocol \"layer2\"";
        return new AnnouncementText(EventSeverity.Normal, AnnouncementEvent.nodeAssigned, former is null || former == node
            ? message
            : $"{message}; {vip.Address} was at node \"{former}\" before: {(WhyNot(former, vip, election) is { } why ? TextOf(why) : "it is not heard any more")}");
    }

    /// <summary>Nobody has the address.</summary>
    /// <param name="vip">The address.</param>
    /// <param name="former">Who had it until now, or null.</param>
    /// <param name="election">The election on the link.</param>
    public static AnnouncementText Nobody(VipFacts vip, string? former, SegmentElection election)
    {
        var subject = former is null ? $"{vip.Address} is not announced" : $"{vip.Address} is not announced any more, it was at node \"{former}\"";
        if (!vip.Served)
        {
            return new(EventSeverity.Normal, AnnouncementEvent.NoServingEndpoint, $"{subject}: no endpoint of the Service is ready");
        }

        var nodes = election.Explain(vip);
        return nodes.All(n => n.Why == Ineligible.Interface)
            ? new(EventSeverity.Warning, AnnouncementEvent.announceFailed,
                $"{subject}: pool \"{vip.Pool.Name}\" names the interfaces {string.Join(", ", vip.Pool.Interfaces)}, and no node has one of them here")
            : new(EventSeverity.Warning, AnnouncementEvent.NoEligibleNode,
                $"{subject}: no node may own it ({string.Join("; ", nodes.Take(MostNodes).Select(n => $"{n.Node}: {TextOf(n.Why)}"))}"
                + (nodes.Count > MostNodes ? $"; and {nodes.Count - MostNodes} more nodes)" : ")"));
    }

    /// <summary>The address is in no pool: it is not ours to announce.</summary>
    public static AnnouncementText NotInPool(IpAddress vip) => new(EventSeverity.Warning, AnnouncementEvent.AddressNotInPool,
        $"{vip} is not announced: it is in no pool of the configuration; add it to one, or let the controller give the Service another");

    /// <summary>The address is a host's: a second voice for it would take that host off the network.</summary>
    public static AnnouncementText OfAHost(Exclusion exclusion) => new(EventSeverity.Warning, AnnouncementEvent.AddressNotAnnounced,
        $"{exclusion.Address} is not announced: it is {exclusion.Reason}; ask for another address");

    /// <summary>Whether the facts say why the address is no longer where it was.</summary>
    /// <param name="node">This node.</param>
    /// <param name="former">Who had it, or null.</param>
    /// <param name="vip">The address.</param>
    /// <param name="election">The election on the link.</param>
    public static bool IsExplained(string node, string? former, VipFacts vip, SegmentElection election) =>
        former is null || former == node || WhyNot(former, vip, election) != Ineligible.None;

    // Null for a node that is not heard.
    private static Ineligible? WhyNot(string node, VipFacts vip, SegmentElection? election)
    {
        foreach (var (name, why) in election?.Explain(vip) ?? [])
        {
            if (name == node)
            {
                return why;
            }
        }

        return null;
    }

    private static string TextOf(Ineligible why) => why switch
    {
        Ineligible.SpeakerNotReady => "its speaker is not ready",
        Ineligible.Leaving => "its speaker is shutting down",
        Ineligible.NodeExcluded => "it has the label node.kubernetes.io/exclude-from-external-load-balancers",
        Ineligible.NetworkUnavailable => "its condition NetworkUnavailable is true",
        Ineligible.NodeSelector => "the pool's node-selectors do not match it",
        Ineligible.Interface => "it has none of the pool's interfaces here",
        Ineligible.OtherSubnet => "the address belongs to the subnet of another of its interfaces",
        Ineligible.NoLocalEndpoint => "it has no serving endpoint, and externalTrafficPolicy is Local",
        Ineligible.None => "this node is preferred to it now",
        _ => why.ToString(),
    };
}
