using System.Text.Json.Nodes;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

/// <summary>
/// What the manifests grant is what the programs use. The use is declared once, in <see cref="ApiUse"/>, and the programs' client sends
/// no request that is not declared there.
/// </summary>
public sealed class RbacTests
{
    private static readonly RbacRules Rules = new(Manifests.Installed);

    public static TheoryData<string> Programs => ["controller", "speaker"];

    [Theory]
    [MemberData(nameof(Programs))]
    public void EveryRightTheProgramUses_IsGranted(string program) =>
        Assert.Empty(Used(program).Except(Granted(program)));

    [Theory]
    [MemberData(nameof(Programs))]
    public void EveryRightGranted_IsUsedByTheProgram(string program) =>
        Assert.Empty(Granted(program).Except(Used(program)));

    [Theory]
    [InlineData("controller", "list", "", "configmaps", Manifests.Namespace, "config", true)]
    [InlineData("controller", "list", "", "configmaps", Manifests.Namespace, null, false)]
    [InlineData("controller", "list", "", "configmaps", "default", "config", false)]
    [InlineData("controller", "get", "", "secrets", Manifests.Namespace, "heartbeat-key", false)]
    [InlineData("controller", "delete", "", "services", "default", "web", false)]
    [InlineData("controller", "patch", "", "services", "default", "web", false)]
    [InlineData("controller", "patch", "", "services/status", "default", "web", true)]
    [InlineData("speaker", "watch", "", "secrets", Manifests.Namespace, "heartbeat-key", true)]
    [InlineData("speaker", "watch", "", "secrets", Manifests.Namespace, "other", false)]
    [InlineData("speaker", "patch", "", "services/status", "default", "web", false)]
    [InlineData("speaker", "watch", "discovery.k8s.io", "endpointslices", null, null, true)]
    public void Request_IsAllowedOnlyIfARuleCoversIt(
        string program, string verb, string group, string resource, string? ns, string? name, bool allowed) =>
        Assert.Equal(allowed, RbacRules.Allows(Granted(program), verb, group, resource, ns, name));

    [Fact]
    public void Rule_WithAWildcard_IsNotPassedOver()
    {
        var objects = Manifests.Installed.Select(o => (JsonObject)o.DeepClone()).ToArray();
        objects.First(o => o.Text("kind") == "ClusterRole").Objects("rules").First()["verbs"] = new JsonArray("*");
        Assert.Throws<InvalidOperationException>(() => new RbacRules(objects).GrantedTo(Manifests.Namespace, "controller"));
    }

    private static IReadOnlySet<AccessRight> Granted(string program) => Rules.GrantedTo(Manifests.Namespace, program);

    private static HashSet<AccessRight> Used(string program)
    {
        var use = new[] { ApiUse.Controller, ApiUse.Speaker }.Single(use => use.Program == program);
        return [.. use.Grants.SelectMany(grant => grant.Verbs.Select(verb => new AccessRight(
            verb.ToString().ToLowerInvariant(), grant.Resource.Group, grant.Resource.RbacName,
            grant.Scope == ApiScope.OwnNamespace ? Manifests.Namespace : null, grant.ResourceName)))];
    }
}
