using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>A Service that is announced, and where its endpoints are.</summary>
/// <param name="Service">The Service.</param>
internal readonly record struct ServedService(AnnouncedService Service)
{
    private static readonly IReadOnlyList<string> None = [];

    private readonly IReadOnlyList<string>? nodes;

    /// <summary>Whether any endpoint serves.</summary>
    public bool Serves { get; private init; }

    /// <summary>With the policy Local the nodes with an endpoint that serves; with Cluster it does not matter, and is not gathered.</summary>
    public IReadOnlyList<string> Nodes
    {
        get => nodes ?? None;
        private init => nodes = value;
    }

    /// <summary>With what a slice of it says.</summary>
    public ServedService With(EndpointSliceResource slice) => this with
    {
        Serves = Serves || slice.Serves,
        Nodes = !Service.IsLocal || slice.ServingNodes.Count == 0 ? Nodes : Nodes.Count == 0 ? slice.ServingNodes : [.. Nodes.Union(slice.ServingNodes)],
    };
}

/// <summary>A Service on one of its addresses.</summary>
/// <param name="Served">The Service.</param>
/// <param name="First">The address whose order decides for all of them.</param>
internal readonly record struct Use(ServedService Served, IpAddress First);

/// <summary>The Services on one address: mostly one, for which nothing is allocated.</summary>
internal readonly struct Users
{
    private readonly Use one;
    private readonly List<Use>? several;

    private Users(Use one, List<Use>? several)
    {
        this.one = one;
        this.several = several;
    }

    /// <summary>With one more.</summary>
    public Users With(in Use use)
    {
        if (one.Served.Service is null)
        {
            return new Users(use, null);
        }

        var all = several ?? [one];
        all.Add(use);
        return new Users(one, all);
    }

    /// <summary>Oldest first.</summary>
    public void Sort() => several?.Sort(OldestFirst);

    /// <summary>The Services, oldest first; those of before if they are the same still.</summary>
    public IReadOnlyList<AnnouncedService> Services(IReadOnlyList<AnnouncedService> before, ref bool isSame)
    {
        var count = several?.Count ?? 1;
        var same = before.Count == count;
        for (var i = 0; same && i < count; i++)
        {
            same = before[i].IsToldAs(At(i).Served.Service);
        }

        if (same)
        {
            return before;
        }

        isSame = false;
        var services = new AnnouncedService[count];
        for (var i = 0; i < count; i++)
        {
            services[i] = At(i).Served.Service;
        }

        return services;
    }

    /// <summary>
    /// The facts. Sharers are one VIP on one node: served if one of them is. With the policy Local the node must have endpoints of every
    /// sharer that has any. Where no node has, which only sharers of different pods come to, those that have some take part: one of them is served still.
    /// </summary>
    public VipFacts Facts(IpAddress address, Pool pool)
    {
        var first = At(0);
        if (several is null && !first.Served.Service.IsLocal)
        {
            return new VipFacts { Address = address, ElectionAddress = first.First, Pool = pool, Served = first.Served.Serves };
        }

        List<Use> all = several ?? [first];
        var local = all.Where(static use => use.Served.Service.IsLocal).ToList();
        var clusterServed = all.Exists(static use => use.Served.Serves && !use.Served.Service.IsLocal);
        var some = local.SelectMany(static use => use.Served.Nodes).ToHashSet(StringComparer.Ordinal);
        var every = some.ToHashSet(StringComparer.Ordinal);
        foreach (var use in local.Where(static use => use.Served.Nodes.Count > 0))
        {
            every.IntersectWith(use.Served.Nodes);
        }

        return new VipFacts
        {
            Address = address,
            ElectionAddress = first.First,
            Pool = pool,
            Served = clusterServed || local.Exists(static use => use.Served.Serves),
            ServingNodes = local.Count == 0 || (clusterServed && some.Count == 0) ? null : every.Count > 0 ? every : some,
            SharersApart = some.Count > 0 && every.Count == 0,
        };
    }

    private Use At(int index) => several is null ? one : several[index];

    private static int OldestFirst(Use a, Use b)
    {
        var byAge = a.Served.Service.Created.CompareTo(b.Served.Service.Created);
        return byAge != 0 ? byAge : string.CompareOrdinal(a.Served.Service.Key.ToString(), b.Served.Service.Key.ToString());
    }
}
