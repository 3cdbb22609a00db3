using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Status;

/// <summary>Where each address is, from what every speaker tells of its own. Pure.</summary>
internal static class Addresses
{
    /// <summary>One row for each address that a Service has.</summary>
    public static IReadOnlyList<AddressRow> Of(ClusterView view)
    {
        var speakers = view.Answering.ToArray();
        var told = speakers.SelectMany(speaker => speaker.Addresses.Select(vip => (Speaker: speaker, Vip: vip))).ToLookup(static entry => entry.Vip.Address);
        var conflicts = speakers.SelectMany(static speaker => speaker.Conflicts).ToLookup(static conflict => conflict.Address);
        var pools = (view.Controller?.Services ?? []).Count == 0 ? null : new PoolFinder(view.Controller!.Pools);
        return
        [
            .. Users(view).OrderBy(static entry => IpAddress.TryParse(entry.Key, out var address) ? address : default)
                .Select(entry => Row(entry.Key, entry.Value, [.. told[entry.Key]], conflicts[entry.Key].FirstOrDefault(), pools, speakers.Length > 0, view)),
        ];
    }

    /// <summary>Whether two nodes announce one address on one segment: they hear each other there, or their links are in one subnet.</summary>
    public static bool IsSplit(IReadOnlyList<(SpeakerStatus Speaker, VipStatus Vip)> owners) =>
        owners.SelectMany((one, index) => owners.Skip(index + 1).Select(other => (one, other))).Any(pair =>
            pair.one.Speaker.Node != pair.other.Speaker.Node && AreOnOneSegment(LinkOf(pair.one), LinkOf(pair.other), pair.other.Speaker.Node));

    private static bool AreOnOneSegment(LinkStatus? one, LinkStatus? other, string otherNode) => one is not null && other is not null
        && (one.Peers.Any(peer => peer.Node == otherNode && peer.Link == other.Name) || one.Prefixes.Select(NetworkOf).Intersect(other.Prefixes.Select(NetworkOf)).Any());

    private static LinkStatus? LinkOf((SpeakerStatus Speaker, VipStatus Vip) owner) => owner.Speaker.Links.FirstOrDefault(link => link.Name == owner.Vip.Link);

    /// <summary>The subnet of an address with a length, as text; equal for the addresses in it.</summary>
    public static string NetworkOf(string prefix) => IpPrefix.TryParse(prefix, out var parsed) ? parsed.Range.ToString() : prefix;

    private static Dictionary<string, List<string>> Users(ClusterView view)
    {
        var users = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        if (view.Services is { } services)
        {
            foreach (var service in services.Where(static service => service.Type == "LoadBalancer").OrderBy(static service => service.Created))
            {
                foreach (var ip in service.Ingress.Select(static ingress => ingress.Ip).Where(static ip => ip.Length > 0))
                {
                    Add(ip, service.Key.ToString());
                }
            }
        }
        else
        {
            foreach (var service in view.Controller?.Services ?? [])
            {
                foreach (var ip in service.Addresses)
                {
                    Add(ip, $"{service.Namespace}/{service.Name}");
                }
            }
        }

        return users;

        void Add(string ip, string service)
        {
            if (!users.TryGetValue(ip, out var its))
            {
                users.Add(ip, its = []);
            }

            its.Add(service);
        }
    }

    private static AddressRow Row(
        string address, IReadOnlyList<string> services, IReadOnlyList<(SpeakerStatus Speaker, VipStatus Vip)> told, StrangerStatus? conflict, PoolFinder? pools,
        bool anybodyAnswers, ClusterView view)
    {
        var owners = told.Where(static entry => entry.Vip.Phase == "Owner").OrderBy(static entry => entry.Vip.Since ?? DateTimeOffset.MinValue).ToArray();
        var deputy = told.FirstOrDefault(static entry => entry.Vip.Phase == "Deputy");
        var leaving = told.FirstOrDefault(static entry => entry.Vip.Phase == "HandingOver");
        var nobody = told.FirstOrDefault(static entry => entry.Vip.Reason is not null);
        var voice = owners.Length > 0 ? owners[0] : deputy.Vip is not null ? deputy : leaving;
        var (state, detail) = (owners.Length, conflict, deputy.Vip, leaving.Vip) switch
        {
            ( > 1, _, _, _) when IsSplit(owners) => (AddressState.Split, "these nodes both announce it on one segment"),
            ( > 0, { } stranger, _, _) => (AddressState.Conflict, $"{stranger.Mac} on {stranger.Link} uses it, too"),
            ( > 0, _, _, _) => (AddressState.Announced, null),
            (_, _, { } vip, _) => (AddressState.Represented, $"{deputy.Speaker.Node} answers for {vip.For}, whose speaker is away"),
            (_, _, _, { } vip) => (AddressState.Announced, $"on its way to {vip.Owner ?? "another node"}"),
            _ when nobody.Vip is { Reason: "NoServingEndpoint" } vip => (AddressState.NoEndpoint, vip.Detail),
            _ when nobody.Vip is { } vip => (AddressState.Nobody, vip.Detail),
            _ when !anybodyAnswers => (AddressState.Unknown, "no speaker could be asked"),
            _ when view.Speakers!.Any(static speaker => speaker.Document is null) => (AddressState.Unknown, "the speakers that could be asked do not have it"),
            _ => (AddressState.Nobody, (string?)"no speaker says anything of it: it is being moved, or another load balancer's"),
        };
        return new AddressRow
        {
            Address = address,
            Pool = told.Select(static entry => entry.Vip.Pool).FirstOrDefault(static pool => pool is not null) ?? pools?.Find(address),
            Services = services,
            State = state.ToString(),
            Nodes = owners.Length > 0 ? [.. owners.Select(static owner => owner.Speaker.Node).Distinct()] : deputy.Vip is { For: { } owner } ? [owner] : leaving.Vip is null ? [] : [leaving.Speaker.Node],
            Link = voice.Vip?.Link,
            Mac = voice.Vip?.Mac,
            Since = voice.Vip?.Since,
            Detail = detail,
        };
    }
}

/// <summary>Finds the pool of an address among those that a controller tells.</summary>
internal sealed class PoolFinder(IReadOnlyList<PoolStatus> pools)
{
    private readonly (IpRange Range, string Pool)[] ranges =
    [
        .. pools.SelectMany(static pool => pool.Ranges.Select(text => (Parse(text), pool.Name))),
    ];

    /// <summary>The pool's name, or null.</summary>
    public string? Find(string address) => IpAddress.TryParse(address, out var parsed)
        ? ranges.FirstOrDefault(entry => entry.Range.Contains(parsed)).Pool
        : null;

    private static IpRange Parse(string text)
    {
        var ends = text.Split('-');
        return new IpRange(IpAddress.Parse(ends[0]), IpAddress.Parse(ends[^1]));
    }
}
