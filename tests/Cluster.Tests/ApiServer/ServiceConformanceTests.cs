using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>Services as the controller meets them: defaults, allocation, status, changes of type.</summary>
public sealed class ServiceConformanceTests(ServersUnderTest servers)
{
    private const string LoadBalancer = """{"metadata":{"name":"s"},"spec":{"type":"LoadBalancer","selector":{"a":"b"},"ports":[{"port":80}]}}""";
    private const string Ingress = """{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}""";

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Create_LoadBalancer_GetsEveryDefault(string server)
    {
        using var api = await servers.ApiAsync(server);
        var spec = (await api.PostAsync($"{await api.NewNamespaceAsync()}/services", LoadBalancer)).Body;

        Assert.Equal("{}", spec.At("status", "loadBalancer")!.ToJsonString());
        spec = spec.At("spec");
        Assert.StartsWith("10.96.", spec.Text("clusterIP"), StringComparison.Ordinal);
        Assert.Equal([spec.Text("clusterIP")], spec.Strings("clusterIPs"));
        Assert.Equal(["IPv4"], spec.Strings("ipFamilies"));
        Assert.Equal(("SingleStack", "Cluster", "Cluster", "None"),
            (spec.Text("ipFamilyPolicy"), spec.Text("externalTrafficPolicy"), spec.Text("internalTrafficPolicy"), spec.Text("sessionAffinity")));
        Assert.True(spec.Flag("allocateLoadBalancerNodePorts"));
        var port = Assert.Single(spec.Objects("ports"));
        Assert.Equal(("TCP", 80), (port.Text("protocol"), port.Number("targetPort")));
        Assert.InRange(port.Number("nodePort")!.Value, 30000, 32767);
    }

    public static TheoryData<string, string, string> Refusals
    {
        get
        {
            var data = new TheoryData<string, string, string>();
            foreach (string server in ServersUnderTest.All.Select(row => row.Data))
            {
                data.Add(server, """{}""", "spec.ports: Required value");
                data.Add(server, """{"ports":[{"port":70000}]}""", "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive");
                data.Add(server, """{"ports":[{"port":80},{"port":81}]}""", "spec.ports[0].name: Required value");
                data.Add(server, """{"type":"Foo","ports":[{"port":80}]}""", "spec.type: Unsupported value: \"Foo\"");
                data.Add(server, """{"type":"LoadBalancer","clusterIP":"None","ports":[{"port":80}]}""", "may not be set to 'None' for LoadBalancer services");
                data.Add(server, """{"externalTrafficPolicy":"Local","ports":[{"port":80}]}""", "may only be set for externally-accessible services");
                data.Add(server, """{"loadBalancerClass":"a/b","ports":[{"port":80}]}""", "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'");
                data.Add(server, """{"ipFamilyPolicy":"RequireDualStack","ports":[{"port":80}]}""", "this cluster is not configured for dual-stack services");
                data.Add(server, """{"clusterIP":"foo","ports":[{"port":80}]}""", "must be a valid IP address");
                data.Add(server, """{"type":"NodePort","ports":[{"port":80,"nodePort":80}]}""", "provided port is not in the valid range");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Create_Wrong_IsInvalid(string server, string spec, string words)
    {
        using var api = await servers.ApiAsync(server);
        var answer = await api.PostAsync($"{await api.NewNamespaceAsync()}/services", $$$"""{"metadata":{"name":"s"},"spec":{{{spec}}}}""");

        Assert.Equal((422, "Invalid"), (answer.Status, answer.Reason));
        Assert.Contains(words, answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task PatchStatus_MergePatch_SetsIngressAndNothingElse(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/services";
        await api.PostAsync(path, LoadBalancer);
        var patched = await api.PatchAsync($"{path}/s/status", Api.Merge,
            """{"spec":{"selector":{"a":"other"}},"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}""");

        Assert.Equal(200, patched.Status);
        Assert.Equal("b", patched.Text("spec", "selector", "a"));
        var ingress = Assert.Single(patched.Body.Objects("status", "loadBalancer", "ingress"));
        Assert.Equal(("192.0.2.1", "VIP"), (ingress.Text("ip"), ingress.Text("ipMode")));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task PatchStatus_OldVersion_IsAConflict(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/services";
        var version = (await api.PostAsync(path, LoadBalancer)).Text("metadata", "resourceVersion");
        var guarded = $$$$"""{"metadata":{"resourceVersion":"{{{{version}}}}"},"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}""";

        Assert.Equal(200, (await api.PatchAsync($"{path}/s/status", Api.Merge, guarded)).Status);
        var again = await api.PatchAsync($"{path}/s/status", Api.Merge, guarded.Replace("192.0.2.1", "192.0.2.2", StringComparison.Ordinal));
        Assert.Equal((409, "Conflict"), (again.Status, again.Reason));
    }

    public static TheoryData<string, string, string> StatusRefusals
    {
        get
        {
            var data = new TheoryData<string, string, string>();
            foreach (string server in ServersUnderTest.All.Select(row => row.Data))
            {
                data.Add(server, """{"ip":"192.168.1"}""", "must be a valid IP address");
                data.Add(server, """{"hostname":"a.b","ipMode":"VIP"}""", "ipMode: Forbidden: may not be specified when `ip` is not set");
                data.Add(server, """{"ip":"192.0.2.1","ipMode":"Foo"}""", "ipMode: Unsupported value: \"Foo\": supported values: \"Proxy\", \"VIP\"");
                data.Add(server, """{"hostname":"192.0.2.1"}""", "must be a DNS name, not an IP address");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(StatusRefusals))]
    public async Task PatchStatus_WrongIngress_IsInvalid(string server, string ingress, string words)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/services";
        await api.PostAsync(path, LoadBalancer);
        var answer = await api.PatchAsync($"{path}/s/status", Api.Merge, $$$$"""{"status":{"loadBalancer":{"ingress":[{{{{ingress}}}}]}}}""");

        Assert.Equal(422, answer.Status);
        Assert.Contains(words, answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Patch_MainResource_LeavesStatusAlone(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/services";
        await api.PostAsync(path, LoadBalancer);
        var patched = await api.PatchAsync($"{path}/s", Api.Merge, Ingress);

        Assert.Empty(patched.Body.Objects("status", "loadBalancer", "ingress"));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Patch_TypeToClusterIP_ClearsStatusAndWhatBelongedToTheType(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/services";
        var created = await api.PostAsync(path, LoadBalancer.Replace("\"selector\"", "\"loadBalancerClass\":\"example.com/lb\",\"selector\"", StringComparison.Ordinal));
        await api.PatchAsync($"{path}/s/status", Api.Merge, Ingress);
        var patched = await api.PatchAsync($"{path}/s", Api.Merge, """{"spec":{"type":"ClusterIP"}}""");

        Assert.Equal(200, patched.Status);
        Assert.Equal("{}", patched.Body.At("status", "loadBalancer")!.ToJsonString());
        var spec = patched.Body.At("spec");
        Assert.Equal(created.Text("spec", "clusterIP"), spec.Text("clusterIP"));
        foreach (var gone in (string[])["allocateLoadBalancerNodePorts", "loadBalancerClass", "externalTrafficPolicy"])
            Assert.Null(spec.At(gone));
        Assert.Null(spec.Objects("ports").Single()["nodePort"]);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Patch_LoadBalancerClass_MayNotChange(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/services";
        await api.PostAsync(path, LoadBalancer);
        var answer = await api.PatchAsync($"{path}/s", Api.Merge, """{"spec":{"loadBalancerClass":"example.com/lb"}}""");

        Assert.Equal(422, answer.Status);
        Assert.Contains("spec.loadBalancerClass: Invalid value: \"example.com/lb\": may not change once set", answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Put_WithoutAllocatedFields_KeepsThem(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/services";
        var created = await api.PostAsync(path, LoadBalancer);
        var put = await api.PutAsync($"{path}/s", LoadBalancer);

        Assert.Equal(200, put.Status);
        Assert.True(JsonNode.DeepEquals(created.Body.At("spec"), put.Body.At("spec")), $"{created.Body.At("spec")} became {put.Body.At("spec")}");
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Patch_TrafficPolicyLocalAndBack_TakesAndReturnsAHealthPort(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/services";
        await api.PostAsync(path, LoadBalancer);
        var local = await api.PatchAsync($"{path}/s", Api.Merge, """{"spec":{"externalTrafficPolicy":"Local"}}""");
        var cluster = await api.PatchAsync($"{path}/s", Api.Merge, """{"spec":{"externalTrafficPolicy":"Cluster"}}""");

        Assert.InRange(local.Body.Number("spec", "healthCheckNodePort") ?? 0, 30000, 32767);
        Assert.Null(cluster.Body.At("spec", "healthCheckNodePort"));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Create_SameNodePortTwice_IsInvalid(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/services";
        var taken = (await api.PostAsync(path, LoadBalancer)).Body.Objects("spec", "ports").Single().Number("nodePort");
        var second = $$$"""{"metadata":{"name":"t"},"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":{{{taken}}}}]}}""";

        Assert.Contains("provided port is already allocated", (await api.PostAsync(path, second)).Message, StringComparison.Ordinal);
        var deleted = await api.DeleteAsync($"{path}/s");
        Assert.Equal(("Service", 200), (deleted.Text("kind"), deleted.Status));
        Assert.Equal(201, (await api.PostAsync(path, second)).Status);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Create_HeadlessAndExternalName_GetNoAddress(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/services";
        var headless = await api.PostAsync(path, """{"metadata":{"name":"h"},"spec":{"clusterIP":"None","selector":{"a":"b"},"ports":[{"port":80}]}}""");
        var named = await api.PostAsync(path, """{"metadata":{"name":"e"},"spec":{"type":"ExternalName","externalName":"example.com"}}""");

        Assert.Equal(["None"], headless.Body.Strings("spec", "clusterIPs"));
        Assert.Equal("", named.Text("spec", "clusterIP"));
        Assert.Null(named.Body.At("spec", "ipFamilies"));
    }
}
