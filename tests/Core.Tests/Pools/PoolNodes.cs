using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Tests.Pools;

/// <summary>Documents without a parser: every address entry has a line of its own.</summary>
internal static class PoolNodes
{
    public static ConfigMapping Document(params IEnumerable<ConfigNode> pools) =>
        Map(1, ("address-pools", new ConfigSequence(1, 1, [.. pools])));

    public static ConfigMapping Pool(string name, int line, params IEnumerable<string> addresses) => Map(
        line,
        ("name", Text(line, name)),
        ("protocol", Text(line, "layer2")),
        ("addresses", new ConfigSequence(line, 1, [.. addresses.Select((address, index) => Text(line + index, address))])));

    public static ConfigScalar Text(int line, string value) => new(line, 3, value, IsPlain: true);

    public static ConfigMapping Map(int line, params (string Key, ConfigNode Value)[] entries) =>
        new(line, 1, [.. entries.Select(entry => new ConfigEntry(Text(line, entry.Key), entry.Value))]);
}
