namespace LoadBalancer.Core.Pools;

/// <summary>
/// MetalLB's configuration since 0.13 (IPAddressPool, L2Advertisement) in the form of its ConfigMap, with the keys of this project beside
/// it. Lenient: what cannot be carried over is named, and the rest is converted.
/// </summary>
public sealed class MetalLBConversion
{
    private readonly List<string> _losses = [];
    private readonly List<string> _resources = [];
    private readonly List<ConvertedPool> _pools = [];
    private readonly List<Advertisement> _advertisements = [];

    private MetalLBConversion(ConfigNode first) => First = first;

    /// <summary>The first resource of MetalLB.</summary>
    public ConfigNode First { get; }

    /// <summary>What was found, as <c>IPAddressPool 'default'</c>.</summary>
    public IReadOnlyList<string> Resources => _resources;

    /// <summary>What the converted text does not say, each as a sentence with its resource.</summary>
    public IReadOnlyList<string> Losses => _losses;

    /// <summary>Whether there is a pool to write.</summary>
    public bool HasPools => _pools.Count > 0;

    /// <summary>Converts documents: resources one by one, in lists, or several in one document.</summary>
    /// <param name="documents">The roots of the documents.</param>
    /// <returns>The conversion; null if none of it is a resource of MetalLB.</returns>
    public static MetalLBConversion? Of(IEnumerable<ConfigNode> documents)
    {
        var found = documents.SelectMany(KubernetesObject.In).ToList();
        if (found.Find(static resource => resource.IsOfMetalLB) is not { } first)
        {
            return null;
        }

        var conversion = new MetalLBConversion(first.Node);
        foreach (var resource in found)
        {
            conversion.Add(resource);
        }

        conversion.Announce();
        return conversion;
    }

    /// <summary>The pools in one line of YAML, for a message.</summary>
    public string ToLine() => $"address-pools: [{string.Join(", ", _pools.Select(static pool => pool.ToLine()))}]";

    /// <summary>The pools as YAML, each key on a line, to be put under the ConfigMap's key <c>config</c>.</summary>
    public string ToText() => HasPools
        ? $"address-pools:\n{string.Concat(_pools.Select(static pool => pool.ToText()))}"
        : "address-pools: []\n";

    private void Add(KubernetesObject resource)
    {
        if (!resource.IsOfMetalLB)
        {
            if (resource.Kind.Length > 0)
            {
                _losses.Add($"{resource}: not of MetalLB");
            }
            else if (resource.HasPools)
            {
                _losses.Add("the pools that stand under address-pools already: keep them beside these");
            }

            return;
        }

        _resources.Add(resource.ToString());
        switch (resource.Kind)
        {
            case "IPAddressPool" or "AddressPool":
                AddPool(resource);
                break;
            case "L2Advertisement":
                _advertisements.Add(Advertisement.Read(resource.Spec(_losses)));
                break;
            case "BGPPeer" or "BGPAdvertisement" or "BFDProfile" or "Community":
                _losses.Add($"{resource}: only layer2 is served here");
                break;
            default:
                _losses.Add($"{resource}: has no counterpart here");
                break;
        }
    }

    private void AddPool(KubernetesObject resource)
    {
        if (resource.Name.Length == 0)
        {
            _losses.Add($"{resource}: give it a name no other pool has");
            return;
        }

        var spec = resource.Spec(_losses);
        if (spec.Text("protocol") is not ("" or "layer2") and var protocol)
        {
            _losses.Add($"{resource}: protocol {protocol}; here it is announced by layer2");
        }

        var pool = new ConvertedPool
        {
            Name = resource.Name,
            Labels = resource.Labels,
            Addresses = spec.Texts("addresses"),
            AutoAssign = spec.Flag("autoAssign") ?? true,
            AvoidBuggyIps = spec.Flag("avoidBuggyIPs") ?? false,
        };
        if (spec.Child("serviceAllocation") is { } allocation)
        {
            // 0 is what Go writes for none.
            var priority = allocation.Integer("priority");
            pool.Priority = priority == 0 ? null : priority;
            pool.Namespaces = allocation.Texts("namespaces");
            pool.NamespaceSelectors = allocation.Selectors("namespaceSelectors");
            pool.ServiceSelectors = allocation.Selectors("serviceSelectors");
            if (pool.Namespaces.Count + pool.NamespaceSelectors.Count + pool.ServiceSelectors.Count == 0)
            {
                // To MetalLB a pool for all Services, tried before those without an allocation.
                pool.ServiceSelectors = [new LabelSelector([])];
            }

            allocation.NoteRest();
        }

        spec.NoteRest();
        _pools.Add(pool);
    }

    private void Announce()
    {
        if (_advertisements.Count == 0 && HasPools)
        {
            _losses.Add("no L2Advertisement is there: MetalLB would not announce the pools without one, here each pool is announced");
            return;
        }

        foreach (var pool in _pools)
        {
            var its = _advertisements.FindAll(advertisement => advertisement.IsFor(pool));
            if (its.Count == 0)
            {
                _losses.Add($"no L2Advertisement is for pool '{pool.Name}': MetalLB did not announce it by layer2, here it is announced");
                continue;
            }

            // One without any is for all nodes, or all interfaces.
            pool.NodeSelectors = its.Exists(static a => a.NodeSelectors.Count == 0) ? [] : [.. its.SelectMany(static a => a.NodeSelectors)];
            pool.Interfaces = its.Exists(static a => a.Interfaces.Count == 0) ? [] : [.. its.SelectMany(static a => a.Interfaces).Distinct()];
            if (!its.Exists(static a => a.NodeSelectors.Count + a.Interfaces.Count == 0)
                && its.DistinctBy(static a => ConvertedPool.Selectors(a.NodeSelectors)).Count() > 1
                && its.DistinctBy(static a => string.Join(' ', a.Interfaces.Order(StringComparer.Ordinal))).Count() > 1)
            {
                _losses.Add($"pool '{pool.Name}' has L2Advertisements with other nodes on other interfaces: "
                    + "here each of its nodes announces on each of its interfaces; make two pools of it to keep them apart");
            }
        }
    }

    private sealed record Advertisement(
        IReadOnlyList<string> Pools, IReadOnlyList<LabelSelector> PoolSelectors, IReadOnlyList<LabelSelector> NodeSelectors,
        IReadOnlyList<string> Interfaces)
    {
        public static Advertisement Read(LenientFields spec)
        {
            var advertisement = new Advertisement(
                spec.Texts("ipAddressPools"), spec.Selectors("ipAddressPoolSelectors"), spec.Selectors("nodeSelectors"), spec.Texts("interfaces"));
            spec.NoteRest();
            return advertisement;
        }

        public bool IsFor(ConvertedPool pool) => (Pools.Count == 0 && PoolSelectors.Count == 0)
            || Pools.Contains(pool.Name) || PoolSelectors.Any(selector => selector.Matches(pool.Labels));
    }
}
