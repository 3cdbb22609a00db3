using CsCheck;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Configuration;

namespace LoadBalancer.Kubernetes.Tests.Configuration;

/// <summary>
/// Whatever stands in the ConfigMap, reading it ends, throws nothing, and says where each problem is. A text that breaks this is written to
/// <c>Crashers</c>, to be put into the repository with the fix.
/// </summary>
public sealed class PoolConfigFuzzTests
{
    private const string Valid = """
        # pools of the lab
        address-pools:
        - &lan
          name: "lan"
          protocol: layer2
          addresses: [192.168.96.100-192.168.96.150, 'fd00:96::/120']
          auto-assign: true
          avoid-buggy-ips: false
          reserved: [192.168.96.120, 192.168.96.130-192.168.96.135]
          priority: 10
          namespaces: [prod]
          namespace-selectors: [{match-labels: {team: web}}]
          service-selectors:
          - match-expressions: [{key: tier, operator: In, values: [front]}]
          node-selectors: [{match-labels: {edge: "true"}}]
          interfaces: [eth0]
        - <<: *lan
          name: 'other'
          addresses:
          - 10.0.0.0/8
          reserved: []
        """;

    private const string Resources = """
        apiVersion: metallb.io/v1beta1
        kind: IPAddressPool
        metadata: {name: first, labels: {zone: a}}
        spec:
          addresses: [192.168.96.100-192.168.96.150, 'fd00:96::/120']
          autoAssign: true
          serviceAllocation: {priority: 50, namespaces: [prod], serviceSelectors: [{matchExpressions: [{key: a, operator: In, values: [b]}]}]}
        ---
        apiVersion: v1
        kind: List
        items:
        - kind: L2Advertisement
          metadata: {name: l2}
          spec: {ipAddressPoolSelectors: [{matchLabels: {zone: a}}], interfaces: [eth0]}
        """;

    private static readonly string[] Pieces =
    [
        "\t", "\n", "\r", "\0", " ", "  ", "- ", ": ", "? ", "#", "&a ", "*a", "*lan", "!!str ", "!x ", "|", ">", "'", "\"", "\\", "{", "}", "[", "]", ",",
        "%YAML 9.9\n", "---\n", "...\n", "<<: ", "~", "null", "1e9", "0x10", ".inf", "\uFEFF", "\uD800", "\u2028", "😀", "name", "addresses", "/", "-", ".",
        "999999999999999999999", "::", "10.0.0.0/8", "fd00::/1", "\u0007", "\u00A0", "\u200B", "\\u00A0", "kind: List\n", "items: ",
    ];

    private static readonly string Crashers = Path.Combine(Root(), "tests/Kubernetes.Tests/Configuration/Crashers");

    private static readonly Gen<string> Mutant = Gen.Select(
        Gen.Bool.Select(resources => resources ? Resources : Valid),
        Gen.Select(Gen.Int[0, Math.Max(Valid.Length, Resources.Length) - 1], Gen.Int[0, 12], Gen.Int[0, Pieces.Length - 1]).Array[1, 6],
        (seed, edits) => edits.Aggregate(seed, (text, edit) =>
        {
            var (place, cut, piece) = edit;
            place = Math.Min(place, text.Length);
            return text.Remove(place, Math.Min(cut, text.Length - place)).Insert(place, Pieces[piece]);
        }));

    [Fact]
    public void ValidConfig_CutAtEveryLength_IsReadWithoutAThrow()
    {
        Assert.NotNull(PoolConfigText.Read(Valid).Config);
        foreach (var seed in new[] { Valid, Resources })
        {
            for (var length = 0; length < seed.Length; length++)
            {
                CheckReading(seed[..length]);
                CheckReading(seed[length..]);
            }
        }
    }

    [Fact]
    public void ValidConfig_Mutated_IsReadWithoutAThrow() => Mutant.Sample(CheckReading, iter: 5_000);

    [Fact]
    public void AnyText_Read_IsReadWithoutAThrow() => Gen.String.Sample(CheckReading, iter: 2_000);

    [Fact]
    public void Crashers_OfFormerRuns_AreReadWithoutAThrow()
    {
        foreach (var file in Directory.EnumerateFiles(Crashers, "*.txt"))
        {
            CheckReading(File.ReadAllText(file));
        }
    }

    private static void CheckReading(string text)
    {
        try
        {
            Read(text);
        }
        catch (Exception e)
        {
            // The shortest of a kind is enough.
            var file = Path.Combine(Crashers, $"{e.GetType().Name}.txt");
            if (!File.Exists(file) || File.ReadAllText(file).Length > text.Length)
            {
                File.WriteAllText(file, text);
            }

            throw new InvalidOperationException($"A text of {text.Length} characters, kept in {file}, is not read as it should be: {e}", e);
        }
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "LoadBalancer.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("run from within the project");
        }

        return folder;
    }

    private static void Read(string text)
    {
        var result = PoolConfigText.Read(text);
        Assert.Equal(result.Config is null, result.Problems.Any(problem => problem.Severity == ConfigSeverity.Error));
        var lines = text.Split('\n').Length;
        Assert.All(result.Problems, problem =>
        {
            Assert.InRange(problem.Line, 1, Math.Max(lines, text.Count(c => c is '\n' or '\r' or '\u2028' or '\u2029' or '\u0085') + 1));
            Assert.InRange(problem.Column, 1, text.Length + 2);
            Assert.NotEmpty(problem.Message);
            Assert.NotEmpty(problem.Remedy);
        });
    }
}
