using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Allocation;

/// <summary>
/// Which of the addresses that Nodes list are the nodes' own. Cloud providers and guest agents list every address of every interface, and
/// kube-proxy in IPVS mode puts those of the Services on one: what a Service had when a Node first listed it is the Service's, as long as the
/// Node lists it. What a Node listed before any Service had it is the node's. One thread at a time.
/// </summary>
public sealed class ListedAddresses
{
    private static readonly IReadOnlySet<IpAddress> Nothing = new HashSet<IpAddress>();
    private readonly Dictionary<string, Judged> byNode = new(StringComparer.Ordinal);

    /// <summary>The addresses that are the node's own.</summary>
    /// <param name="node">The node.</param>
    /// <param name="listed">All that its Node object lists now.</param>
    /// <param name="inUse">Gives the addresses in the statuses of all Services; asked only when the node lists something new.</param>
    /// <param name="isSure">Whether those are all that there are by now; else the answer is for this time only.</param>
    public IReadOnlyList<IpAddress> OwnOf(string node, IReadOnlyList<IpAddress> listed, Func<IReadOnlySet<IpAddress>> inUse, bool isSure)
    {
        var before = byNode.GetValueOrDefault(node) ?? new Judged(Nothing, Nothing);
        var isKnown = true;
        foreach (var address in listed)
        {
            isKnown &= before.Own.Contains(address) || before.OfServices.Contains(address);
        }

        var used = isKnown ? Nothing : inUse();
        var own = listed.Where(address => before.Own.Contains(address) || (!before.OfServices.Contains(address) && !used.Contains(address))).ToList();
        if (isSure || isKnown)
        {
            byNode[node] = new Judged(own.ToHashSet(), listed.Except(own).ToHashSet());
        }

        return own;
    }

    /// <summary>Forgets nodes that are gone.</summary>
    public void Retain(Func<string, bool> exists)
    {
        foreach (var node in byNode.Keys.Where(node => !exists(node)).ToList())
        {
            byNode.Remove(node);
        }
    }

    private sealed record Judged(IReadOnlySet<IpAddress> Own, IReadOnlySet<IpAddress> OfServices);
}
