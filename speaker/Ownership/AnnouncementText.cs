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
    /// <summary>The label that keeps a node from being used for load balancers.</summary>
    public const string ExcludeLabel = IneligibleText.ExcludeLabel;

    // An Event has room for about as many; the log and the metrics have no need of more.
    private const int MostNodes = 10;

    /// <summary>This node has the address.</summary>
    /// <param name="node">This node.</param>
    /// <param name="former">Who had it, or null.</param>
    /// <param name="vip">The address.</param>
    /// <param name="link">The link on which it has it, whose election knows what is wrong with the former owner.</param>
    public static AnnouncementText Assigned(string node, string? former, VipFacts vip, LinkDecision? link)
    {
        // MetalLB's words up to here: people's scripts look for them.
        var message = $"announcing from node \"{node}\" with protocol \"layer2\"" + (vip.SharersApart
            ? $"; no node has a ready endpoint of every Service that shares {vip.Address}: requests for those without one here are lost"
            : "");
        return new AnnouncementText(EventSeverity.Normal, AnnouncementEvent.nodeAssigned, former is null || former == node
            ? message
            : $"{message}; {vip.Address} was at node \"{former}\" before: {Why(former, vip, link)}");
    }

    // Of a node that is lost the connections are lost, and nobody expects another thing.
    private static string Why(string former, VipFacts vip, LinkDecision? link) =>
        WhyNot(former, vip, link?.Election) is not { } verdict ? "it is not heard any more"
        : $"{TextOf(verdict.Why, verdict.Link)}; open TCP connections {(link!.Keeps(vip.Address) ? "stay" : "break")}";

    /// <summary>Nobody has the address.</summary>
    /// <param name="vip">The address.</param>
    /// <param name="former">Who had it until now, or null.</param>
    /// <param name="links">Every interface of every node that is heard on some link of this one, and why the address may not be there.</param>
    public static AnnouncementText Nobody(VipFacts vip, string? former, IReadOnlyCollection<LinkVerdict> links)
    {
        var subject = former is null ? $"{vip.Address} is not announced" : $"{vip.Address} is not announced any more, it was at node \"{former}\"";
        if (!vip.Served)
        {
            return new(EventSeverity.Normal, AnnouncementEvent.NoServingEndpoint, $"{subject}: no endpoint of the Service is ready");
        }

        return links.All(static link => link.Why == Ineligible.Interface)
            ? new(EventSeverity.Warning, AnnouncementEvent.announceFailed,
                $"{subject}: pool \"{vip.Pool.Name}\" names the interfaces {string.Join(", ", vip.Pool.Interfaces)}, and no node has one of them here "
                + $"({Listed(links.GroupBy(static link => link.Node), static node => $"{node.Key} has {string.Join(", ", node.Select(static link => link.Link))}")})")
            : new(EventSeverity.Warning, AnnouncementEvent.NoEligibleNode, $"{subject}: no node may own it ({Reasons(links)}){Remedy(links)}");
    }

    // Nodes of which the same is true are named together; a reason that lies in the interface names that too.
    private static string Reasons(IEnumerable<LinkVerdict> links) => Listed(
        links.Where(static link => link.Why != Ineligible.None)
            .GroupBy(static link => (link.Why, Link: IsOfTheLink(link.Why) ? link.Link : ""))
            .Select(static group => $"{Listed(group.Select(static link => link.Node).Distinct(), static node => node, ", ")}: {TextOf(group.Key.Why, group.Key.Link)}"),
        static text => text);

    private static string Remedy(IEnumerable<LinkVerdict> links)
    {
        var excluded = links.Where(static link => link.Why == Ineligible.NodeExcluded).Select(static link => link.Node).Distinct().Take(MostNodes).ToArray();
        return excluded.Length == 0 ? "" : $"; to use {(excluded.Length == 1 ? "that node" : "those nodes")}: "
            + $"kubectl label node {string.Join(' ', excluded)} {ExcludeLabel}-";
    }

    private static string Listed<T>(IEnumerable<T> items, Func<T, string> text, string separator = "; ")
    {
        var all = items.ToArray();
        return string.Join(separator, all.Take(MostNodes).Select(text)) + (all.Length > MostNodes ? $"{separator}and {all.Length - MostNodes} more" : "");
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
        former is null || former == node || WhyNot(former, vip, election)?.Why != Ineligible.None;

    // Null for a node that is not heard; of several interfaces on the link's segment the one on which it may be, if there is one.
    private static LinkVerdict? WhyNot(string node, VipFacts vip, SegmentElection? election)
    {
        LinkVerdict? found = null;
        foreach (var verdict in election?.Explain(vip) ?? [])
        {
            if (verdict.Node == node && (found is null || verdict.Why == Ineligible.None))
            {
                found = verdict;
            }
        }

        return found;
    }

    private static bool IsOfTheLink(Ineligible why) => why is Ineligible.Interface or Ineligible.OtherSubnet;

    private static string TextOf(Ineligible why, string link) =>
        why == Ineligible.None ? "this node is preferred to it now" : IneligibleText.Of(why, link);
}
