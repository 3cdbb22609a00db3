using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>Who may do what: the programs run in tests under exactly the RBAC the manifests grant.</summary>
public sealed class AccessConformanceTests(ServersUnderTest servers)
{
    private const string Rbac = "/apis/rbac.authorization.k8s.io/v1";

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task ServiceAccount_WithoutGrant_IsForbiddenByName(string server)
    {
        using var api = await servers.ApiAsync(server, "system:serviceaccount:lb:controller");
        var answer = await api.GetAsync("/api/v1/services");

        Assert.Equal((403, "Forbidden"), (answer.Status, answer.Reason));
        Assert.Equal("services is forbidden: User \"system:serviceaccount:lb:controller\" cannot list resource \"services\" in API group \"\" at the cluster scope", answer.Message);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task ServiceAccount_ClusterRoleBound_MayDoThatAndNoMore(string server)
    {
        using var admin = await servers.ApiAsync(server);
        var ns = await admin.NewNamespaceAsync();
        var name = ns["/api/v1/namespaces/".Length..];
        await GrantAsync(admin, $"{Rbac}/clusterroles", $"{Rbac}/clusterrolebindings", "ClusterRole", name,
            """{"apiGroups":[""],"resources":["services"],"verbs":["list","create"]},{"apiGroups":[""],"resources":["services/status"],"verbs":["patch"]}""");
        await admin.PostAsync($"{ns}/services", """{"metadata":{"name":"s"},"spec":{"type":"LoadBalancer","ports":[{"port":80}]}}""");

        using var api = await servers.ApiAsync(server, $"system:serviceaccount:{name}:program");
        Assert.Equal(200, (await api.GetAsync("/api/v1/services?limit=1")).Status);
        Assert.Equal(200, (await api.GetAsync($"{ns}/services")).Status);
        Assert.Equal(200, (await api.PatchAsync($"{ns}/services/s/status", Api.Merge, "{}")).Status);
        Assert.Equal(403, (await api.GetAsync($"{ns}/services/s")).Status);
        Assert.Equal(403, (await api.PatchAsync($"{ns}/services/s", Api.Merge, "{}")).Status);
        Assert.Equal(403, (await api.GetAsync("/api/v1/nodes")).Status);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task ServiceAccount_RoleWithResourceName_MayReadAndWatchThatNameOnly(string server)
    {
        using var admin = await servers.ApiAsync(server);
        var ns = await admin.NewNamespaceAsync();
        var name = ns["/api/v1/namespaces/".Length..];
        var roles = $"{Rbac}/namespaces/{name}";
        await GrantAsync(admin, $"{roles}/roles", $"{roles}/rolebindings", "Role", name,
            """{"apiGroups":[""],"resources":["configmaps"],"resourceNames":["config"],"verbs":["get","list","watch"]}""");
        await admin.PostAsync($"{ns}/configmaps", """{"metadata":{"name":"config"}}""");

        using var api = await servers.ApiAsync(server, $"system:serviceaccount:{name}:program");
        Assert.Equal(200, (await api.GetAsync($"{ns}/configmaps/config")).Status);
        Assert.Equal(200, (await api.GetAsync($"{ns}/configmaps?fieldSelector=metadata.name%3Dconfig")).Status);
        Assert.Equal(403, (await api.GetAsync($"{ns}/configmaps")).Status);
        Assert.Equal(403, (await api.GetAsync($"{ns}/configmaps/other")).Status);
        Assert.Equal(403, (await api.GetAsync("/api/v1/namespaces/default/configmaps/config")).Status);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Anyone_Health_MayBeRead(string server)
    {
        using var api = await servers.ApiAsync(server, "nobody");
        foreach (var path in (string[])["/healthz", "/readyz", "/livez"])
            Assert.Equal("ok", (await api.GetAsync(path)).Body.Text());
        Assert.Equal(200, (await api.GetAsync("/version")).Status);
        Assert.Equal(200, (await api.GetAsync("/apis")).Status);
        Assert.Equal(403, (await api.GetAsync("/metrics-of-somebody")).Status);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Binding_RoleRef_MayNotChange(string server)
    {
        using var api = await servers.ApiAsync(server);
        var name = (await api.NewNamespaceAsync())["/api/v1/namespaces/".Length..];
        await GrantAsync(api, $"{Rbac}/clusterroles", $"{Rbac}/clusterrolebindings", "ClusterRole", name, """{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}""");
        var answer = await api.PatchAsync($"{Rbac}/clusterrolebindings/{name}", Api.Merge, """{"roleRef":{"name":"other"}}""");

        Assert.Equal(422, answer.Status);
        Assert.Contains("cannot change roleRef", answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task SelfReview_ServiceAccount_KnowsItsGroups(string server)
    {
        using var api = await servers.ApiAsync(server, "system:serviceaccount:lb:controller");
        var review = await api.PostAsync("/apis/authentication.k8s.io/v1/selfsubjectreviews", """{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"}""");

        Assert.Equal(201, review.Status);
        Assert.Equal("system:serviceaccount:lb:controller", review.Text("status", "userInfo", "username"));
        Assert.Superset(new HashSet<string> { "system:serviceaccounts", "system:serviceaccounts:lb", "system:authenticated" },
            review.Body.Strings("status", "userInfo", "groups").ToHashSet());
    }

    private static async Task GrantAsync(Api admin, string roles, string bindings, string kind, string name, string rules)
    {
        var role = await admin.PostAsync(roles, $$$"""{"metadata":{"name":"{{{name}}}"},"rules":[{{{rules}}}]}""");
        var binding = await admin.PostAsync(bindings, $$$"""
            {"metadata":{"name":"{{{name}}}"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"{{{kind}}}","name":"{{{name}}}"},
             "subjects":[{"kind":"ServiceAccount","name":"program","namespace":"{{{name}}}"}]}
            """);
        Assert.Equal((201, 201), (role.Status, binding.Status));
    }
}
