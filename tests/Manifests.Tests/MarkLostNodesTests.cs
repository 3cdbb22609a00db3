using System.Text.Json.Nodes;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

/// <summary>
/// The component mark-lost-nodes adds what <c>--mark-lost-nodes</c> needs, and nothing else: without it the controller can neither read
/// nor mark a pod.
/// </summary>
public sealed class MarkLostNodesTests
{
    [Fact]
    public void Component_GrantsWhatTheFlagUses_AndNothingElse()
    {
        var rendered = Render();
        var added = new RbacRules(rendered).GrantedTo(Manifests.Namespace, "controller")
            .Except(new RbacRules(Manifests.Installed).GrantedTo(Manifests.Namespace, "controller"));
        var used = ApiUse.MarkingLostNodes.SelectMany(grant => grant.Verbs.Select(verb => new AccessRight(
            verb.ToString().ToLowerInvariant(), grant.Resource.Group, grant.Resource.RbacName,
            grant.Scope switch { ApiScope.OwnNamespace => Manifests.Namespace, ApiScope.NodeLeaseNamespace => "kube-node-lease", _ => null },
            grant.ResourceName)));
        Assert.Equal(used.ToHashSet(), added.ToHashSet());
    }

    [Fact]
    public void Component_GrantsTheSpeakerNothing()
    {
        var rendered = Render();
        Assert.Equal(
            new RbacRules(Manifests.Installed).GrantedTo(Manifests.Namespace, "speaker"), new RbacRules(rendered).GrantedTo(Manifests.Namespace, "speaker"));
    }

    [Fact]
    public void Component_ChangesTheControllersArguments_AndNoOtherObject()
    {
        var rendered = Render().ToDictionary(Manifests.Title);
        Assert.All(Manifests.Installed.Where(o => Manifests.Title(o) != "Deployment loadbalancer-system/controller"),
            o => Assert.True(JsonNode.DeepEquals(o, rendered[Manifests.Title(o)]), Manifests.Title(o)));
        var args = Manifests.Container(rendered["Deployment loadbalancer-system/controller"]).Strings("args");
        Assert.Equal(["--mark-lost-nodes=true"], args.Except(Manifests.Container(Manifests.Workload("controller")).Strings("args")));
    }

    [Fact]
    public void Component_OpensTheKubeletsPort_AndNothingElse()
    {
        var policy = Render().Single(o => o.Text("kind") == "NetworkPolicy" && Manifests.Name(o) == "controller-mark-lost-nodes");
        Assert.Equal(["Egress"], policy.Strings("spec", "policyTypes"));
        Assert.Equal(["TCP 10250"], policy.Objects("spec", "egress").SelectMany(rule => rule.Objects("ports")).Select(p => $"{p.Text("protocol")} {(long)p["port"]!}"));
    }

    private static IReadOnlyList<JsonObject> Render() => Component.Render("mark-lost-nodes");
}
