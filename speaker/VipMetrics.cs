using LoadBalancer.Core.Ownership;
using LoadBalancer.Hosting;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Ownership;

namespace LoadBalancer.Speaker;

/// <summary>
/// Shows, when somebody asks, which Service's address this node answers for as its own, and if it is the one to tell, whose address somebody
/// is to answer for. Nothing of it is kept.
/// </summary>
/// <param name="links">The open links.</param>
/// <param name="snapshot">The VIPs.</param>
/// <param name="tells">Whether of all speakers that hear each other this is the one that says which addresses are to be announced.</param>
internal sealed class VipMetrics(Func<IReadOnlyList<LinkRunner>> links, Func<VipSnapshot> snapshot, Func<bool> tells)
{
    /// <summary>Whether of the speakers of a segment that hear each other this node's is the one that tells: the first by name.</summary>
    public static bool Tells(SegmentView view) =>
        view.MayServe && view.Peers.All(peer => peer.Away || peer.Leaving || peer.Source == MemberSource.Lease
            || string.CompareOrdinal(view.Self.Node, peer.Node) <= 0);

    /// <summary>The lines, as at this moment.</summary>
    public IEnumerable<string> Lines() => MetricsEndpoint.Ones(
            "loadbalancer_speaker_vip_owned", "1 for each Service whose address this node announces on a link.", ["link", "vip", "used_by"], Owned())
        .Concat(MetricsEndpoint.Ones(
            "loadbalancer_speaker_vip_served",
            "1 for each Service with a serving endpoint, whose address somebody is to announce; from one of the speakers that hear each other.",
            ["vip", "used_by"], Served()));

    private IEnumerable<string[]> Owned()
    {
        var runners = links();
        foreach (var (address, services) in snapshot().Services)
        {
            foreach (var runner in runners)
            {
                // Answered with another's hardware address it is announced in that node's place, not here.
                if (runner.Table.TryGet(address, out var mac) && mac == runner.Mac)
                {
                    foreach (var service in Names(services))
                    {
                        yield return [runner.Facts.Name, address.ToString(), service];
                    }
                }
            }
        }
    }

    private IEnumerable<string[]> Served()
    {
        if (!tells())
        {
            yield break;
        }

        var vips = snapshot();
        foreach (var (address, facts) in vips.Vips)
        {
            if (facts.Served && vips.Services.TryGetValue(address, out var services))
            {
                foreach (var service in Names(services))
                {
                    yield return [address.ToString(), service];
                }
            }
        }
    }

    // A status may name an address twice, and a series may be there once.
    private static IEnumerable<string> Names(IReadOnlyList<Kubernetes.Resources.AnnouncedService> services) =>
        services.Count == 1 ? [services[0].Key.ToString()] : services.Select(static service => service.Key.ToString()).Distinct();
}
