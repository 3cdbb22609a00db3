using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>What clients learn about the server before they use it.</summary>
public sealed class DiscoveryConformanceTests(ServersUnderTest servers)
{
    private const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Resources_OfCore_NameServicesAndTheirStatus(string server)
    {
        using var api = await servers.ApiAsync(server);
        var resources = (await api.GetAsync("/api/v1")).Body.Objects("resources").ToDictionary(r => r.Text("name"));

        Assert.Equal("Service", resources["services"].Text("kind"));
        Assert.Equal(["svc"], resources["services"].Strings("shortNames"));
        Assert.Equal(["all"], resources["services"].Strings("categories"));
        Assert.Superset(new HashSet<string> { "create", "delete", "get", "list", "patch", "update", "watch" }, resources["services"].Strings("verbs").ToHashSet());
        Assert.Equal(["get", "patch", "update"], resources["services/status"].Strings("verbs"));
        Assert.False(resources["nodes"].Flag("namespaced"));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Groups_Listed_HoldWhatTheProjectUses(string server)
    {
        using var api = await servers.ApiAsync(server);
        var groups = (await api.GetAsync("/apis")).Body.Objects("groups").Select(g => g.Text("preferredVersion", "groupVersion")).ToHashSet();

        Assert.Superset(new HashSet<string>
        {
            "apps/v1", "coordination.k8s.io/v1", "discovery.k8s.io/v1", "events.k8s.io/v1", "networking.k8s.io/v1",
            "rbac.authorization.k8s.io/v1", "scheduling.k8s.io/v1", "policy/v1",
        }, groups);
        Assert.Equal(404, (await api.GetAsync("/apis/example.com/v1")).Status);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Aggregated_Asked_GivesGroupsInOneDocument(string server)
    {
        using var api = await servers.ApiAsync(server);
        var document = (await api.GetAsync("/apis", Aggregated)).Body;

        Assert.Equal("APIGroupDiscoveryList", document.Text("kind"));
        var leases = document.Objects("items").Single(g => g.Text("metadata", "name") == "coordination.k8s.io").Objects("versions")
            .First(v => v.Text("version") == "v1").Objects("resources").Single(r => r.Text("resource") == "leases");
        Assert.Equal(("Lease", "Namespaced"), (leases.Text("responseKind", "kind"), leases.Text("scope")));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task OpenApi_OfCore_SaysThatFieldsAreValidatedAndHowPortsMerge(string server)
    {
        using var api = await servers.ApiAsync(server);
        var url = (await api.GetAsync("/openapi/v3")).Text("paths", "api/v1", "serverRelativeURL");
        var document = (await api.GetAsync(url)).Body;

        var patch = document.At("paths", "/api/v1/namespaces/{namespace}/services/{name}", "patch");
        Assert.Equal("Service", patch.Text("x-kubernetes-group-version-kind", "kind"));
        Assert.Contains("fieldValidation", patch.Objects("parameters").Select(p => p.Text("name")));
        Assert.NotNull(patch.At("requestBody", "content", Api.Strategic));
        var specs = document.Map("components", "schemas")!.Where(s => s.Value.At("properties", "loadBalancerClass") is not null);
        Assert.Equal("port", Assert.Single(specs).Value.Text("properties", "ports", "x-kubernetes-patch-merge-key"));
    }
}
