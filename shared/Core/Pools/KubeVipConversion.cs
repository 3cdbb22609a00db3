namespace LoadBalancer.Core.Pools;

/// <summary>
/// The ConfigMap of kube-vip's cloud provider in the form of this project's: <c>cidr-…</c> and <c>range-…</c> for a namespace or <c>global</c>.
/// Lenient: what cannot be carried over is named.
/// </summary>
public sealed class KubeVipConversion
{
    private const string Global = "global";
    private static readonly string[] Kinds = ["cidr-", "range-", "interface-", "allow-share-", "search-order-", "serviceInterface-"];

    private readonly List<string> _losses = [];
    private readonly List<ConvertedPool> _pools = [];

    private KubeVipConversion()
    {
    }

    /// <summary>What the converted text does not say.</summary>
    public IReadOnlyList<string> Losses => _losses;

    /// <summary>Whether there is a pool to write.</summary>
    public bool HasPools => _pools.Count > 0;

    /// <summary>Converts.</summary>
    /// <param name="data">The ConfigMap's data.</param>
    /// <returns>The conversion; null if no key is kube-vip's.</returns>
    public static KubeVipConversion? Of(IReadOnlyDictionary<string, string> data)
    {
        if (!data.Keys.Any(static key => key.StartsWith("cidr-", StringComparison.Ordinal) || key.StartsWith("range-", StringComparison.Ordinal)))
        {
            return null;
        }

        var conversion = new KubeVipConversion();
        foreach (var scope in data.Keys.Where(static key => key.StartsWith("cidr-", StringComparison.Ordinal) || key.StartsWith("range-", StringComparison.Ordinal))
            .Select(static key => key[(key.IndexOf('-', StringComparison.Ordinal) + 1)..]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            conversion.Add(scope, data);
        }

        foreach (var key in data.Keys.Where(static key => !Kinds.Any(kind => key.StartsWith(kind, StringComparison.Ordinal))).Order(StringComparer.Ordinal))
        {
            conversion._losses.Add($"key '{ConfigFields.Shorten(key)}': has no counterpart here");
        }

        return conversion;
    }

    /// <summary>The pools as YAML, to be put under the ConfigMap's key <c>config</c>.</summary>
    public string ToText() => HasPools ? $"address-pools:\n{string.Concat(_pools.Select(static pool => pool.ToText()))}" : "address-pools: []\n";

    private void Add(string scope, IReadOnlyDictionary<string, string> data)
    {
        var (cidr, range) = (Parts(data, $"cidr-{scope}"), Parts(data, $"range-{scope}"));
        if (cidr.Length > 0 && range.Length > 0)
        {
            _losses.Add($"key 'range-{scope}': kube-vip takes 'cidr-{scope}' where there are both, and so does this");
        }

        var addresses = (cidr.Length > 0 ? cidr : range).Where(part => !IsDhcp(part, scope)).Select(static part => part.Contains('/', StringComparison.Ordinal) || part.Contains('-', StringComparison.Ordinal) ? part
            : part + (part.Contains(':', StringComparison.Ordinal) ? "/128" : "/32")).ToArray();
        if (addresses.Length == 0)
        {
            return;
        }

        _pools.Add(new ConvertedPool
        {
            Name = scope == Global ? "default" : scope,
            Labels = new Dictionary<string, string>(),
            Addresses = addresses,
            Namespaces = scope == Global ? [] : [scope],
            Interfaces = Parts(data, $"interface-{scope}"),
        });
        if (data.ContainsKey($"allow-share-{scope}"))
        {
            _losses.Add($"key 'allow-share-{scope}': here two Services share an address if both have one metallb.io/allow-shared-ip annotation");
        }

        if (data.GetValueOrDefault($"search-order-{scope}") == "desc")
        {
            _losses.Add($"key 'search-order-{scope}': the lowest free address is given here");
        }
    }

    private bool IsDhcp(string part, string scope)
    {
        if (part is not ("0.0.0.0" or "0.0.0.0/32"))
        {
            return false;
        }

        _losses.Add($"{part} of '{scope}': addresses by DHCP are not had here; give the pool addresses that the DHCP server does not hand out");
        return true;
    }

    private static string[] Parts(IReadOnlyDictionary<string, string> data, string key) =>
        data.GetValueOrDefault(key, "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
