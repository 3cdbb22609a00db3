using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Status;

namespace LoadBalancer.Controller.Report;

/// <summary>A node that answers for an address, as its Lease says.</summary>
internal readonly record struct Voice(string Node, AnnouncedAddress What);

/// <summary>All nodes and what their speakers' Leases say, at one moment.</summary>
/// <param name="Nodes">The nodes.</param>
/// <param name="Voices">Who answers for what, of the speakers alive.</param>
/// <param name="LastWords">The same of speakers that have fallen silent.</param>
/// <param name="Silent">Why nobody answers for an address.</param>
/// <param name="Taken">Pool addresses that strangers use.</param>
internal sealed record Speakers(
    IReadOnlyList<NodeStatus> Nodes, ILookup<IpAddress, Voice> Voices, ILookup<IpAddress, Voice> LastWords,
    IReadOnlyDictionary<IpAddress, string> Silent, IReadOnlyDictionary<IpAddress, MacAddress> Taken)
{
    private const string Alive = nameof(Alive);

    // A list of those who are heard that comes near its bound may have been cut: nobody is missed then.
    private const int LongestHears = 3700;

    /// <summary>Reads them.</summary>
    /// <param name="stores">Nodes and Leases.</param>
    /// <param name="isFresh">Whether a Lease is held and renewed.</param>
    public static Speakers Of(ControllerStores stores, Func<ObjectKey, bool> isFresh)
    {
        var speakers = stores.Leases.All().Select(lease => new Speaker(lease, StateOf(lease, isFresh))).ToArray();
        var byNode = speakers.ToDictionary(static speaker => speaker.Lease.Key.Name, StringComparer.Ordinal);
        var alive = speakers.Where(static speaker => speaker.State == Alive).ToArray();
        var missing = new Misses(alive);
        return new Speakers(
            [.. stores.Nodes.All().OrderBy(static node => node.Key.Name, StringComparer.Ordinal).Select(node => Describe(node, byNode.GetValueOrDefault(node.Key.Name), missing))],
            VoicesOf(alive), VoicesOf(speakers.Where(static speaker => speaker.State == "Silent")),
            alive.SelectMany(static speaker => AnnouncedAddresses.SilentBy(speaker.Lease)).DistinctBy(static entry => entry.Address).ToDictionary(static entry => entry.Address, static entry => entry.Reason),
            alive.SelectMany(static speaker => StrangerAnnotations.TakenOf(speaker.Lease)).DistinctBy(static taken => taken.Address).ToDictionary(static taken => taken.Address, static taken => taken.Mac));
    }

    private static ILookup<IpAddress, Voice> VoicesOf(IEnumerable<Speaker> speakers) => speakers
        .SelectMany(static speaker => speaker.Announced.Select(what => new Voice(speaker.Lease.Key.Name, what)))
        .OrderByDescending(static voice => voice.What.Since).ToLookup(static voice => voice.What.Address);

    private static string StateOf(LeaseResource lease, Func<ObjectKey, bool> isFresh) =>
        !NodeLease.IsHeld(lease) ? "Stopped" : isFresh(lease.Key) ? Alive : "Silent";

    private static NodeStatus Describe(NodeResource node, Speaker? speaker, Misses missing)
    {
        var untold = speaker is null ? 0 : AnnouncedAddresses.UntoldBy(speaker.Lease);
        var isAlive = speaker?.State == Alive;
        return new NodeStatus
        {
            Name = node.Key.Name,
            Ready = node.IsReady,
            Excluded = node.Labels.ContainsKey(IneligibleText.ExcludeLabel),
            IsWindows = node.Labels.GetValueOrDefault("kubernetes.io/os") == "windows",
            Speaker = speaker?.State ?? "None",
            Version = speaker?.Lease.Annotations.GetValueOrDefault(SpeakerAnnotations.Version) is { Length: > 0 } version ? version : null,
            Since = speaker?.Lease.AcquireTime,
            MayOwn = speaker?.Lease.Annotations.GetValueOrDefault(SpeakerAnnotations.Ready) == "true",
            Links = speaker is null ? [] : [.. speaker.Links.Select(link => new NodeLinkStatus
            {
                Name = link.Name,
                Prefixes = [.. link.Prefixes.Select(static prefix => prefix.ToString())],
                Hears = SpeakerAnnotations.HeardOn(speaker.Lease, link.Name),
                Misses = isAlive ? missing.Of(speaker, link) : [],
            })],
            Announces = isAlive ? speaker!.Announced.Count + untold : 0,
            Untold = untold,
        };
    }

    private sealed record Speaker(LeaseResource Lease, string State)
    {
        public IReadOnlyList<NodeLink> Links { get; } = SpeakerAnnotations.LinksOf(Lease);

        public IReadOnlyList<AnnouncedAddress> Announced { get; } = AnnouncedAddresses.AnnouncedBy(Lease);
    }

    /// <summary>Who should be heard, since it is in the same subnet, and is not.</summary>
    private sealed class Misses(IReadOnlyList<Speaker> alive)
    {
        private readonly ILookup<(IpAddress Network, int Length), string> bySubnet = alive
            .SelectMany(static speaker => speaker.Links.SelectMany(static link => link.Prefixes).Select(prefix => (Subnet: (prefix.Network, prefix.Length), speaker.Lease.Key.Name)))
            .ToLookup(static entry => entry.Subnet, static entry => entry.Name);

        // On another link of the same segment it is heard all the same.
        public IReadOnlyList<string> Of(Speaker speaker, NodeLink link) =>
            speaker.Lease.Annotations.GetValueOrDefault(SpeakerAnnotations.Hears, "").Length > LongestHears
                ? []
                : [.. link.Prefixes.SelectMany(prefix => bySubnet[(prefix.Network, prefix.Length)]).Distinct(StringComparer.Ordinal)
                    .Where(node => node != speaker.Lease.Key.Name && !SpeakerAnnotations.IsHeard(speaker.Lease, node)).Order(StringComparer.Ordinal)];
    }
}
