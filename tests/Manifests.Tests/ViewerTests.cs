using System.Text.Json.Nodes;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

/// <summary>The component <c>viewer</c> grants its group what <c>kubectl lb</c> reads, and nothing else.</summary>
public sealed class ViewerTests
{
    [Fact]
    public void Component_GrantsWhatTheToolReads_AndNothingElse()
    {
        var objects = Component.Render("viewer").Select(static o => (JsonObject)o.DeepClone()).ToArray();
        foreach (var subject in objects.Where(static o => o.Text("kind") is "RoleBinding" or "ClusterRoleBinding").SelectMany(static o => o.Objects("subjects"))
            .Where(static subject => subject.Text("name") == "loadbalancer-viewers"))
        {
            Assert.Equal("Group", subject.Text("kind"));
            subject["kind"] = "ServiceAccount";
            subject["namespace"] = Manifests.Namespace;
        }

        var granted = new RbacRules(objects).GrantedTo(Manifests.Namespace, "loadbalancer-viewers");

        Assert.Equal(Used().Order(), granted.Select(Text).Order());
    }

    private static IEnumerable<string> Used() => ApiUse.Viewer.Grants.SelectMany(static grant => grant.Verbs.Select(verb => Text(new AccessRight(
        verb.ToString().ToLowerInvariant(), grant.Resource.Group, grant.Resource.RbacName,
        grant.Scope == ApiScope.OwnNamespace ? Manifests.Namespace : null, grant.ResourceName))));

    private static string Text(AccessRight right) => right.ToString();
}
