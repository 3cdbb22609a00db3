namespace LoadBalancer.Core.Pools;

/// <summary>
/// Reads the pool configuration, whose format is the ConfigMap of MetalLB up to 0.12 with keys of our own beside it. Strict: a key
/// that is not known, given twice or of a wrong type is an error, because a typo that is skipped shows only when an address is missing.
/// </summary>
public static class PoolConfigReader
{
    private static readonly string[] Keys = ["address-pools"];

    /// <summary>Keys of MetalLB's format that only its BGP mode has.</summary>
    private static readonly string[] BgpKeys = ["peers", "bgp-communities", "bfd-profiles"];

    /// <summary>Reads a document and reports all its problems at once.</summary>
    /// <param name="document">The document's root; null if it is empty, which is the valid configuration without pools.</param>
    /// <returns>The configuration if no problem is an error; it takes effect as a whole or not at all.</returns>
    public static PoolConfigResult Read(ConfigNode? document)
    {
        var problems = new ConfigProblems();
        var pools = document is null || ConfigFields.IsNull(document) ? [] : ReadPools(document, problems);
        return problems.HasErrors
            ? new PoolConfigResult(null, problems.InTextOrder())
            : new PoolConfigResult(InOrderOfUse(pools), problems.InTextOrder());
    }

    private static List<Pool> ReadPools(ConfigNode document, ConfigProblems problems)
    {
        var pools = new List<Pool>();
        if (ConfigFields.Open(document, "", Keys, problems, BgpKeys) is not { } fields)
        {
            return pools;
        }

        var entries = new List<AddressEntry>();
        var names = new Dictionary<string, (string Path, int Line)>(StringComparer.Ordinal);
        foreach (var item in fields.List(Keys[0]))
        {
            if (PoolReader.Read(item, entries, problems) is not var (pool, name))
            {
                continue;
            }

            pools.Add(pool);
            if (pool.Name.Length > 0 && !names.TryAdd(pool.Name, (item.Path, name.Line)))
            {
                var (path, line) = names[pool.Name];
                problems.Error(name, $"{item.Path}.name",
                    $"the name '{ConfigFields.Shorten(pool.Name)}' is already that of {path} (line {line})", "give one of the two another name");
            }
        }

        AddressEntry.ReportOverlaps(entries, problems);
        return pools;
    }

    private static PoolConfig InOrderOfUse(List<Pool> pools) => pools.Count == 0
        ? PoolConfig.Empty
        : new PoolConfig([.. pools.OrderBy(pool => pool.Priority is null).ThenBy(pool => pool.Priority)]);
}
