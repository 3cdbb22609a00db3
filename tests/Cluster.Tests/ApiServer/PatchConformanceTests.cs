using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>Merge, JSON, strategic merge and apply patches.</summary>
public sealed class PatchConformanceTests(ServersUnderTest servers)
{
    private const string Deployment = """
        {"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
        "spec":{"containers":[{"name":"c","image":"x:1","env":[{"name":"A","value":"1"},{"name":"B","value":"2"}]}],
        "volumes":[{"name":"v","emptyDir":{}}]}}}}
        """;

    private const string Service = """{"metadata":{"name":"s"},"spec":{"ports":[{"name":"http","port":80},{"name":"https","port":443}]}}""";

    public static TheoryData<string, string, string, string> DeploymentPatches
    {
        get
        {
            var data = new TheoryData<string, string, string, string>();
            foreach (string server in ServersUnderTest.All.Select(row => row.Data))
            {
                data.Add(server, "a container is found by its name",
                    """{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"x:2"}]}}}}""", "x:2 A,B v:emptyDir RollingUpdate:yes");
                data.Add(server, "an item is deleted by its key",
                    """{"spec":{"template":{"spec":{"containers":[{"name":"c","env":[{"name":"A","$patch":"delete"}]}]}}}}""", "x:1 B v:emptyDir RollingUpdate:yes");
                data.Add(server, "a list is replaced as a whole",
                    """{"spec":{"template":{"spec":{"containers":[{"name":"c","env":[{"$patch":"replace"},{"name":"Z","value":"9"}]}]}}}}""", "x:1 Z v:emptyDir RollingUpdate:yes");
                data.Add(server, "new items come first, the order of the patch is kept",
                    """{"spec":{"template":{"spec":{"containers":[{"name":"c","env":[{"name":"Z","value":"9"},{"name":"A","value":"5"}]}]}}}}""", "x:1 Z,A,B v:emptyDir RollingUpdate:yes");
                data.Add(server, "$setElementOrder orders",
                    """{"spec":{"template":{"spec":{"containers":[{"name":"c","$setElementOrder/env":[{"name":"B"},{"name":"A"}],"env":[{"name":"A","value":"5"}]}]}}}}""", "x:1 B,A v:emptyDir RollingUpdate:yes");
                data.Add(server, "$retainKeys drops what it does not name",
                    """{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}""", "x:1 A,B v:emptyDir Recreate:no");
                data.Add(server, "a volume changes its source",
                    """{"spec":{"template":{"spec":{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/x"}}]}}}}""", "x:1 A,B v:hostPath RollingUpdate:yes");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(DeploymentPatches))]
    public async Task StrategicMerge_OfDeployment_FollowsTheDirectives(string server, string rule, string patch, string expected)
    {
        using var api = await servers.ApiAsync(server);
        var path = (await api.NewNamespaceAsync()).Replace("/api/v1/", "/apis/apps/v1/", StringComparison.Ordinal) + "/deployments";
        Assert.Equal(201, (await api.PostAsync(path, Deployment)).Status);

        var patched = await api.PatchAsync($"{path}/d", Api.Strategic, patch);

        var spec = patched.Body.At("spec");
        var container = spec.Objects("template", "spec", "containers").Single();
        var volume = spec.Objects("template", "spec", "volumes").Single();
        var strategy = $"{spec.Text("strategy", "type")}:{(spec.Map("strategy", "rollingUpdate") is null ? "no" : "yes")}";
        var found = $"{container.Text("image")} {string.Join(',', container.Objects("env").Select(e => e.Text("name")))} v:{volume.Single(p => p.Key != "name").Key} {strategy}";
        Assert.True(expected == found, $"{rule}: expected {expected}, found {found}");
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task StrategicMerge_OfServicePorts_KeysByPort(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/services";
        await api.PostAsync(path, Service);
        var patched = await api.PatchAsync($"{path}/s", Api.Strategic,
            """{"spec":{"$setElementOrder/ports":[{"port":80},{"port":8080}],"ports":[{"port":443,"$patch":"delete"},{"name":"alt","port":8080}]}}""");

        Assert.Equal(["http 80", "alt 8080"], patched.Body.Objects("spec", "ports").Select(p => $"{p.Text("name")} {p.Number("port")}"));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task JsonPatch_EachOperation_Applies(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/configmaps";
        await api.PostAsync(path, """{"metadata":{"name":"a"},"data":{"k":"v","gone":"1","from":"2"}}""");
        var patched = await api.PatchAsync($"{path}/a", Api.JsonPatch, """
            [{"op":"test","path":"/data/k","value":"v"},{"op":"replace","path":"/data/k","value":"w"},{"op":"remove","path":"/data/gone"},
             {"op":"add","path":"/data/a~1b","value":"x"},{"op":"move","from":"/data/from","path":"/data/to"},{"op":"remove","path":"/data/a~1b"},
             {"op":"copy","from":"/data/k","path":"/data/copy"}]
            """);

        Assert.Equal("""{"copy":"w","k":"w","to":"2"}""", string.Concat("{", string.Join(',', patched.Body.Map("data")!
            .OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"\"{p.Key}\":\"{p.Value.Text()}\"")), "}"));
    }

    public static TheoryData<string, string, string, int, string> Refusals
    {
        get
        {
            var data = new TheoryData<string, string, string, int, string>();
            foreach (string server in ServersUnderTest.All.Select(row => row.Data))
            {
                data.Add(server, Api.JsonPatch, """[{"op":"test","path":"/data/k","value":"other"}]""", 422, "the server rejected our request due to an error in our request");
                data.Add(server, Api.JsonPatch, """[{"op":"remove","path":"/data/none"}]""", 422, "the server rejected our request due to an error in our request");
                data.Add(server, Api.JsonPatch, """{"data":{}}""", 400, "error decoding patch");
                data.Add(server, Api.Merge, """{"metadata":{"resourceVersion":"1"},"data":{"k":"w"}}""", 409, "the object has been modified");
                data.Add(server, Api.Strategic, "[]", 400, "cannot unmarshal array");
                data.Add(server, "application/json", "{}", 415, "415: Unsupported Media Type");
                data.Add(server, Api.Apply, """{"apiVersion":"v1","kind":"ConfigMap"}""", 422, "fieldManager: Required value: is required for apply patch");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Patch_Wrong_IsRefused(string server, string type, string patch, int status, string words)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/configmaps";
        await api.PostAsync(path, """{"metadata":{"name":"a"},"data":{"k":"v"}}""");
        var answer = await api.PatchAsync($"{path}/a", type, patch);

        Assert.Equal(status, answer.Status);
        Assert.Contains(words, answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Apply_YamlOfNewObject_CreatesThenMerges(string server)
    {
        using var api = await servers.ApiAsync(server);
        var path = $"{await api.NewNamespaceAsync()}/configmaps/a?fieldManager=test";
        var created = await api.PatchAsync(path, Api.Apply, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n");
        var merged = await api.PatchAsync(path, Api.Apply, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v, l: w}\n");

        Assert.Equal((201, 200), (created.Status, merged.Status));
        Assert.Equal("w", merged.Text("data", "l"));
    }
}
