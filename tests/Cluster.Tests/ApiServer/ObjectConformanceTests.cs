using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>Creating, reading, replacing and deleting, and every refusal a client has to understand.</summary>
public sealed class ObjectConformanceTests(ServersUnderTest servers)
{
    private const string ConfigMap = """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"x":"y"}},"data":{"k":"v"}}""";

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Create_NewName_GivesSystemMetadata(string server)
    {
        using var api = await servers.ApiAsync(server);
        var created = await api.PostAsync($"{await api.NewNamespaceAsync()}/configmaps", ConfigMap);

        Assert.Equal(201, created.Status);
        Assert.Equal("ConfigMap", created.Text("kind"));
        Assert.NotEmpty(created.Text("metadata", "uid"));
        Assert.NotEmpty(created.Text("metadata", "resourceVersion"));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", created.Text("metadata", "creationTimestamp"));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Create_GenerateName_MakesDifferentNames(string server)
    {
        using var api = await servers.ApiAsync(server);
        var maps = $"{await api.NewNamespaceAsync()}/configmaps";
        var first = await api.PostAsync(maps, """{"metadata":{"generateName":"g-"}}""");
        var second = await api.PostAsync(maps, """{"metadata":{"generateName":"g-"}}""");

        Assert.Matches("^g-[a-z0-9]{5}$", first.Text("metadata", "name"));
        Assert.NotEqual(first.Text("metadata", "name"), second.Text("metadata", "name"));
    }

    public static TheoryData<string, string, string, string, int, string, string> Refusals
    {
        get
        {
            var data = new TheoryData<string, string, string, string, int, string, string>();
            foreach (string server in ServersUnderTest.All.Select(row => row.Data))
            {
                data.Add(server, "POST", "configmaps", ConfigMap, 409, "AlreadyExists", "configmaps \"a\" already exists");
                data.Add(server, "GET", "configmaps/nope", "", 404, "NotFound", "configmaps \"nope\" not found");
                data.Add(server, "GET", "leases", "", 404, "NotFound", "the server could not find the requested resource");
                data.Add(server, "POST", "configmaps", """{"metadata":{"name":"A_b"}}""", 422, "Invalid", "ConfigMap \"A_b\" is invalid: metadata.name: Invalid value: \"A_b\": a lowercase RFC 1123 subdomain");
                data.Add(server, "POST", "configmaps", """{"metadata":{}}""", 422, "Invalid", "metadata.name: Required value: name or generateName is required");
                data.Add(server, "POST", "configmaps", """{"metadata":{"name":"b","labels":{"a b":"c d"}}}""", 422, "Invalid", "metadata.labels: Invalid value: \"a b\": name part must consist of");
                data.Add(server, "POST", "configmaps", """{"metadata":{"name":"b"},"data":{"a/b":"c"}}""", 422, "Invalid", "data[a/b]: Invalid value: \"a/b\": a valid config key must");
                data.Add(server, "POST", "configmaps", """{"metadata":{"name":"b","namespace":"other"}}""", 400, "BadRequest", "the namespace of the provided object does not match the namespace sent on the request");
                data.Add(server, "POST", "configmaps", """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"b"}}""", 400, "BadRequest", "Secret in version \"v1\" cannot be handled as a ConfigMap");
                data.Add(server, "POST", "configmaps", """{"metadata":{"name":"b"},"data":{"a":1}}""", 400, "BadRequest", "json: cannot unmarshal number into Go struct field ConfigMap.data of type string");
                data.Add(server, "POST", "configmaps", "{", 400, "BadRequest", "couldn't get version/kind; json parse error");
                data.Add(server, "POST", "configmaps?fieldValidation=Strict", """{"metadata":{"name":"b"},"dat":{"a":"b"}}""", 400, "BadRequest", "strict decoding error: unknown field \"dat\"");
                data.Add(server, "POST", "services?fieldValidation=Strict", """{"metadata":{"name":"b"},"spec":{"ports":[{"port":1,"port":2}]}}""", 400, "BadRequest", "strict decoding error: duplicate field \"spec.ports[0].port\"");
                data.Add(server, "PUT", "configmaps/a", """{"metadata":{"name":"a","resourceVersion":"1"}}""", 409, "Conflict", "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again");
                data.Add(server, "PUT", "configmaps/a", """{"metadata":{"name":"b"}}""", 400, "BadRequest", "the name of the object (b) does not match the name on the URL (a)");
                data.Add(server, "PUT", "configmaps/a", """{"metadata":{"name":"a","uid":"x"}}""", 409, "Conflict", "Precondition failed: UID in precondition: x");
                data.Add(server, "PUT", "configmaps/zz", """{"metadata":{"name":"zz"}}""", 404, "NotFound", "configmaps \"zz\" not found");
                data.Add(server, "PUT", "configmaps", "{}", 405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
                data.Add(server, "DELETE", "configmaps/a", """{"preconditions":{"uid":"x"}}""", 409, "Conflict", "the UID in the precondition (x) does not match the UID in record");
                data.Add(server, "GET", "configmaps?labelSelector=x%20y", "", 400, "BadRequest", "unable to parse requirement: found '");
                data.Add(server, "GET", "configmaps?fieldSelector=data.k%3Da", "", 400, "BadRequest", "\"data.k\" is not a known field selector");
                data.Add(server, "GET", "configmaps?resourceVersion=abc", "", 400, "BadRequest", "invalid resource version");
                data.Add(server, "GET", "configmaps/a/status", "", 404, "NotFound", "the server could not find the requested resource");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Request_Wrong_IsRefusedWithReasonAndWords(string server, string method, string path, string body, int status, string reason, string words)
    {
        using var api = await servers.ApiAsync(server);
        var ns = await api.NewNamespaceAsync();
        await api.PostAsync($"{ns}/configmaps", ConfigMap);

        var answer = await api.SendAsync(HttpMethod.Parse(method), $"{ns}/{path}", body.Length == 0 ? null : body);

        Assert.Equal((status, reason), (answer.Status, answer.Reason));
        Assert.Equal("Status", answer.Text("kind"));
        Assert.Equal("Failure", answer.Text("status"));
        Assert.Equal(status, answer.Body.Number("code"));
        Assert.Contains(words, answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Create_MissingNamespace_NamesTheNamespace(string server)
    {
        using var api = await servers.ApiAsync(server);
        var answer = await api.PostAsync("/api/v1/namespaces/nope/configmaps", ConfigMap);

        Assert.Equal(404, answer.Status);
        Assert.Equal("namespaces \"nope\" not found", answer.Message);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Create_UnknownFieldWithoutStrict_WarnsAndDropsIt(string server)
    {
        using var api = await servers.ApiAsync(server);
        var answer = await api.PostAsync($"{await api.NewNamespaceAsync()}/configmaps", """{"metadata":{"name":"w"},"dat":{"a":"b"}}""");

        Assert.Equal(201, answer.Status);
        Assert.Null(answer.Body.At("dat"));
        Assert.Equal("299 - \"unknown field \\\"dat\\\"\"", Assert.Single(answer.Warnings));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Create_DryRun_AnswersButStoresNothing(string server)
    {
        using var api = await servers.ApiAsync(server);
        var maps = $"{await api.NewNamespaceAsync()}/configmaps";

        Assert.Equal(201, (await api.PostAsync($"{maps}?dryRun=All", ConfigMap)).Status);
        Assert.Equal(404, (await api.GetAsync($"{maps}/a")).Status);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Update_NothingChanges_KeepsTheVersion(string server)
    {
        using var api = await servers.ApiAsync(server);
        var maps = $"{await api.NewNamespaceAsync()}/configmaps";
        var created = await api.PostAsync(maps, ConfigMap);
        var updated = await api.PutAsync($"{maps}/a", ConfigMap);

        Assert.Equal(200, updated.Status);
        Assert.Equal(created.Text("metadata", "resourceVersion"), updated.Text("metadata", "resourceVersion"));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Delete_WithFinalizer_StaysUntilItIsRemoved(string server)
    {
        using var api = await servers.ApiAsync(server);
        var maps = $"{await api.NewNamespaceAsync()}/configmaps";
        await api.PostAsync(maps, """{"metadata":{"name":"f","finalizers":["example.com/hold"]}}""");

        var deleted = await api.DeleteAsync($"{maps}/f");
        Assert.NotEmpty(deleted.Text("metadata", "deletionTimestamp"));
        Assert.Equal(200, (await api.GetAsync($"{maps}/f")).Status);
        Assert.Equal(200, (await api.PatchAsync($"{maps}/f", Api.Merge, """{"metadata":{"finalizers":null}}""")).Status);
        Assert.Equal(404, (await api.GetAsync($"{maps}/f")).Status);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Delete_Plain_AnswersWithSuccess(string server)
    {
        using var api = await servers.ApiAsync(server);
        var maps = $"{await api.NewNamespaceAsync()}/configmaps";
        await api.PostAsync(maps, ConfigMap);
        var deleted = await api.DeleteAsync($"{maps}/a", """{"propagationPolicy":"Background"}""");

        Assert.Equal((200, "Success"), (deleted.Status, deleted.Text("status")));
        Assert.Equal("a", deleted.Text("details", "name"));
        Assert.Equal(404, (await api.DeleteAsync($"{maps}/a")).Status);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task List_InPages_ShowsOneMoment(string server)
    {
        using var api = await servers.ApiAsync(server);
        var maps = $"{await api.NewNamespaceAsync()}/configmaps";
        for (var i = 0; i < 5; i++)
            await api.PostAsync(maps, $$$"""{"metadata":{"name":"m{{{i}}}"}}""");

        var first = await api.GetAsync($"{maps}?limit=2");
        await api.DeleteAsync($"{maps}/m3");
        var names = first.Body.Objects("items").Select(NameOf).ToList();
        var next = first.Text("metadata", "continue");
        while (next.Length > 0)
        {
            var page = await api.GetAsync($"{maps}?limit=2&continue={Uri.EscapeDataString(next)}");
            Assert.Equal(200, page.Status);
            Assert.Equal(first.Text("metadata", "resourceVersion"), page.Text("metadata", "resourceVersion"));
            names.AddRange(page.Body.Objects("items").Select(NameOf));
            next = page.Text("metadata", "continue");
        }

        Assert.Equal(["m0", "m1", "m2", "m3", "m4"], names);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task List_BuiltInKind_GivesItemsWithoutTheirKind(string server)
    {
        using var api = await servers.ApiAsync(server);
        var maps = $"{await api.NewNamespaceAsync()}/configmaps";
        await api.PostAsync(maps, ConfigMap);
        var list = await api.GetAsync($"{maps}?labelSelector=x%20in%20(y,z),!q&fieldSelector=metadata.name%3Da");

        Assert.Equal("ConfigMapList", list.Text("kind"));
        var item = Assert.Single(list.Body.Objects("items"));
        Assert.Equal(("a", "", ""), (NameOf(item), item.Text("kind"), item.Text("apiVersion")));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task List_VersionFromTheFuture_SaysTooLargeAndWhenToTryAgain(string server)
    {
        using var api = await servers.ApiAsync(server);
        var answer = await api.GetAsync($"{await api.NewNamespaceAsync()}/configmaps?resourceVersion=99999999");

        Assert.Equal((504, "Timeout"), (answer.Status, answer.Reason));
        Assert.Contains("Too large resource version", answer.Message, StringComparison.Ordinal);
        Assert.Equal("1", answer.RetryAfter);
    }

    private static string NameOf(JsonObject o) => o.Text("metadata", "name");
}
