using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

/// <summary>
/// What the network policies let through is what the programs need: the controller's probes and scrapes in, the API server and DNS out,
/// and nothing else for any pod of the namespace.
/// </summary>
public sealed class NetworkPolicyTests
{
    [Fact]
    public void DefaultDeny_CoversEveryPodInBothDirections()
    {
        var policy = Policy("default-deny");
        Assert.Equal("{}", policy["spec"]!["podSelector"]!.ToJsonString());
        Assert.Equal(["Egress", "Ingress"], policy.Strings("spec", "policyTypes").Order(StringComparer.Ordinal));
        Assert.Null(policy["spec"]!["ingress"]);
        Assert.Null(policy["spec"]!["egress"]);
    }

    [Fact]
    public void Controller_IsReachedOnThePortItListensOn_AndNoOther()
    {
        var listens = Manifests.OfKind("Deployment").Single().Objects("spec", "template", "spec", "containers").Single()
            .Objects("ports").Select(port => $"TCP {(long)port["containerPort"]!}");
        Assert.Equal(listens, Ports("ingress"));
        Assert.All(Policy("controller").Objects("spec", "ingress"), rule => Assert.Null(rule["from"]));
    }

    [Fact]
    public void Controller_ReachesTheApiServerAndDns_AndNothingElse() =>
        Assert.Equal(["TCP 16443", "TCP 443", "TCP 53", "TCP 6443", "TCP 8443", "UDP 53"], Ports("egress").Order(StringComparer.Ordinal));

    private static IEnumerable<string> Ports(string direction) =>
        Policy("controller").Objects("spec", direction).SelectMany(rule => rule.Objects("ports")).Select(port => $"{port.Text("protocol")} {(long)port["port"]!}");

    private static JsonObject Policy(string name) => Manifests.OfKind("NetworkPolicy").Single(policy => Manifests.Name(policy) == name);
}
