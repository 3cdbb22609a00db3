using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Pools;

/// <summary>Reads one item of <c>address-pools</c>.</summary>
internal static class PoolReader
{
    private static readonly string[] Keys =
    [
        "name", "protocol", "addresses", "auto-assign", "avoid-buggy-ips", "reserved", "priority",
        "namespaces", "namespace-selectors", "service-selectors", "node-selectors", "interfaces",
    ];

    private static readonly string[] BgpKeys = ["bgp-advertisements"];

    /// <summary>Reads a pool.</summary>
    /// <param name="item">The item.</param>
    /// <param name="entries">Collects the valid address entries of all pools, for the overlap check.</param>
    /// <param name="problems">Where problems go.</param>
    /// <returns>
    /// The pool and the place of its name; null if it is no mapping. If it has problems the pool is only good for finding more.
    /// </returns>
    public static (Pool Pool, ConfigNode Name)? Read(ConfigItem item, List<AddressEntry> entries, ConfigProblems problems)
    {
        if (ConfigFields.Open(item.Node, item.Path, Keys, problems, BgpKeys) is not { } fields)
        {
            return null;
        }

        CheckProtocol(fields, problems);
        var ranges = ReadAddresses(fields, entries, problems);
        var pool = new Pool
        {
            Name = ReadName(fields, problems),
            Ranges = ranges ?? [],
            Reserved = ReadReserved(fields, ranges, problems),
            AutoAssign = fields.Flag("auto-assign", absent: true),
            AvoidBuggyIps = fields.Flag("avoid-buggy-ips", absent: false),
            Priority = fields.Integer("priority"),
            Namespaces = fields.Texts("namespaces"),
            NamespaceSelectors = SelectorReader.ReadAll(fields, "namespace-selectors", problems),
            ServiceSelectors = SelectorReader.ReadAll(fields, "service-selectors", problems),
            NodeSelectors = SelectorReader.ReadAll(fields, "node-selectors", problems),
            Interfaces = fields.Texts("interfaces"),
        };
        return (pool, fields.PlaceOf("name"));
    }

    private static string ReadName(ConfigFields fields, ConfigProblems problems)
    {
        if (fields.Find("name") is null)
        {
            problems.Error(fields.PlaceOf("name"), fields.PathOf("name"), "the pool has no name", "add 'name:' with a name no other pool has");
            return "";
        }

        var name = fields.Text("name");
        if (name is { Length: 0 })
        {
            problems.Error(fields.PlaceOf("name"), fields.PathOf("name"), "the pool's name is empty", "give it a name no other pool has");
        }

        return name ?? "";
    }

    private static void CheckProtocol(ConfigFields fields, ConfigProblems problems)
    {
        const string Remedy = "write 'protocol: layer2', the only protocol served here";
        if (fields.Find("protocol") is null)
        {
            problems.Error(fields.PlaceOf("protocol"), fields.PathOf("protocol"), "the pool has no protocol", Remedy);
            return;
        }

        var protocol = fields.Text("protocol");
        if (protocol is not (null or "layer2"))
        {
            problems.Error(fields.PlaceOf("protocol"), fields.PathOf("protocol"),
                protocol == "bgp" ? "protocol 'bgp' is not served here: only layer2 is" : $"unknown protocol '{ConfigFields.Shorten(protocol)}'",
                Remedy);
        }
    }

    /// <summary>The ranges in ascending order, or null if an entry was refused.</summary>
    private static IpRange[]? ReadAddresses(ConfigFields fields, List<AddressEntry> entries, ConfigProblems problems)
    {
        var items = fields.List("addresses");
        if (items.Count == 0)
        {
            if (fields.Find("addresses") is null or ConfigSequence)
            {
                problems.Error(fields.PlaceOf("addresses"), fields.PathOf("addresses"), "the pool has no addresses",
                    "add 'addresses:' with at least one CIDR or range, such as 192.168.1.240-192.168.1.250");
            }

            return null;
        }

        var first = entries.Count;
        foreach (var item in items)
        {
            if (ReadEntry(item, singleAllowed: false, problems) is not { } entry)
            {
                continue;
            }

            if (UnusableAddresses.In(entry.Range) is { } unusable)
            {
                problems.Error(entry.Node, entry.Path, $"{ConfigFields.Shorten(entry.Text)} has addresses no Service can have: {unusable}",
                    "use free addresses of the subnet the nodes are in");
                continue;
            }

            entries.Add(entry);
        }

        return entries.Count - first == items.Count
            ? [.. entries.Skip(first).Select(entry => entry.Range).OrderBy(range => range.First)]
            : null;
    }

    private static IReadOnlyList<IpRange> ReadReserved(ConfigFields fields, IpRange[]? ranges, ConfigProblems problems)
    {
        var pool = IpRangeSet.Of(ranges ?? []);
        var reserved = new List<IpRange>();
        foreach (var item in fields.List("reserved"))
        {
            if (ReadEntry(item, singleAllowed: true, problems) is not { } entry)
            {
                continue;
            }

            reserved.Add(entry.Range);
            if (ranges is null || pool.Contains(entry.Range))
            {
                continue;
            }

            if (pool.Overlaps(entry.Range))
            {
                problems.Warn(entry.Node, entry.Path, $"{ConfigFields.Shorten(entry.Text)} is only partly in the pool's addresses",
                    $"the rest has no effect; the pool has {ConfigFields.Shorten(pool.ToString())}");
            }
            else
            {
                problems.Error(entry.Node, entry.Path, $"{ConfigFields.Shorten(entry.Text)} is not among the pool's addresses",
                    $"reserve addresses of the pool: {ConfigFields.Shorten(pool.ToString())}");
            }
        }

        return IpRangeSet.Of(reserved).Intersect(pool).Ranges;
    }

    private static AddressEntry? ReadEntry(ConfigItem item, bool singleAllowed, ConfigProblems problems)
    {
        if (ConfigFields.TextOf(item.Node, item.Path, problems) is not { } text)
        {
            return null;
        }

        var reading = AddressText.Read(text, singleAllowed);
        if (reading.Range is not { } range)
        {
            problems.Error(item.Node, item.Path, reading.Message!, reading.Remedy);
            return null;
        }

        if (reading.Message is not null)
        {
            problems.Warn(item.Node, item.Path, reading.Message, reading.Remedy);
        }

        return new AddressEntry(range, text, item.Node, item.Path);
    }
}
