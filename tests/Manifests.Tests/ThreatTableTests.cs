using System.Text.RegularExpressions;
using LoadBalancer.Kubernetes.Client;

namespace LoadBalancer.Manifests.Tests;

/// <summary>The table of rights in docs/security.md has every right the programs declare, and no other.</summary>
public sealed partial class ThreatTableTests
{
    [Theory]
    [InlineData("controller")]
    [InlineData("speaker")]
    [InlineData("controller, mark-lost-nodes")]
    [InlineData("both, secure-metrics")]
    public void Rights_OnThePage_AreThoseTheProgramDeclares(string program)
    {
        var declared = program switch
        {
            "controller" => ApiUse.Controller.Grants,
            "speaker" => ApiUse.Speaker.Grants,
            "both, secure-metrics" => ApiUse.SecuringMetrics,
            _ => ApiUse.MarkingLostNodes,
        };
        var told = Row().Matches(ProjectFiles.Read("docs", "security.md")).Where(row => row.Groups["program"].Value == program).ToArray();
        Assert.Equal(
            declared.Select(grant => string.Join(" | ",
                string.Join(", ", grant.Verbs.Select(verb => verb.ToString().ToLowerInvariant())), grant.Resource.RbacName, Place(grant.Scope), grant.ResourceName ?? "")).Order(StringComparer.Ordinal),
            told.Select(row => string.Join(" | ", row.Groups["verbs"].Value, row.Groups["resource"].Value, row.Groups["where"].Value, row.Groups["only"].Value)).Order(StringComparer.Ordinal));
        Assert.All(told, row => Assert.NotEqual("", row.Groups["why"].Value.Trim()));
    }

    private static string Place(ApiScope scope) => scope switch
    {
        ApiScope.Cluster => "all",
        ApiScope.OwnNamespace => "own",
        _ => "kube-node-lease",
    };

    [GeneratedRegex(@"^\| (?<program>[a-z, -]+) \| (?<verbs>[a-z, ]+) \| `(?<resource>[a-z/]+)` \| (?<where>[a-z-]+) \| (?:`(?<only>[a-z-]+)` )?\| (?<why>[^|\n]*) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
