using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>Leases and Events: the two places where a time has to have six digits.</summary>
public sealed class LeaseAndEventConformanceTests(ServersUnderTest servers)
{
    public static TheoryData<string, string, bool> RenewTimes
    {
        get
        {
            var data = new TheoryData<string, string, bool>();
            foreach (string server in ServersUnderTest.All.Select(row => row.Data))
            {
                data.Add(server, "2026-01-02T03:04:05.000000Z", true);
                data.Add(server, "2026-01-02T03:04:05.123456+02:00", true);
                data.Add(server, "2026-01-02T03:04:05Z", false);
                data.Add(server, "2026-01-02T03:04:05.123Z", false);
                data.Add(server, "2026-01-02T03:04:05.1234567Z", false);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(RenewTimes))]
    public async Task CreateLease_RenewTime_MustHaveSixDigits(string server, string time, bool accepted)
    {
        using var api = await servers.ApiAsync(server);
        var answer = await api.PostAsync(await LeasesAsync(api), $$$"""{"metadata":{"name":"l"},"spec":{"renewTime":"{{{time}}}"}}""");

        Assert.Equal(accepted ? 201 : 400, answer.Status);
        if (!accepted)
            Assert.Contains("as \"2006-01-02T15:04:05.000000Z07:00\"", answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task UpdateLease_WithoutVersion_IsInvalid(string server)
    {
        using var api = await servers.ApiAsync(server);
        var leases = await LeasesAsync(api);
        var created = await api.PutAsync($"{leases}/l", """{"metadata":{"name":"l"},"spec":{"holderIdentity":"a"}}""");
        var updated = await api.PutAsync($"{leases}/l", """{"metadata":{"name":"l"},"spec":{"holderIdentity":"b"}}""");

        Assert.Equal((201, 422), (created.Status, updated.Status));
        Assert.Equal(["metadata.resourceVersion"], updated.Fields);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task CreateLease_DurationZero_IsInvalid(string server)
    {
        using var api = await servers.ApiAsync(server);
        var answer = await api.PostAsync(await LeasesAsync(api), """{"metadata":{"name":"l"},"spec":{"leaseDurationSeconds":0}}""");

        Assert.Equal(["spec.leaseDurationSeconds"], answer.Fields);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task CreateEvent_Core_IsSeenThroughBothGroups(string server)
    {
        using var api = await servers.ApiAsync(server);
        var ns = await api.NewNamespaceAsync();
        var name = ns["/api/v1/namespaces/".Length..];
        Assert.Equal(201, (await api.PostAsync($"{ns}/events", Event(name, ""))).Status);

        var newer = await api.GetAsync($"/apis/events.k8s.io/v1/namespaces/{name}/events/e");
        Assert.Equal(("m", "s"), (newer.Text("note"), newer.Text("regarding", "name")));
        Assert.Equal("c", newer.Text("deprecatedSource", "component"));
        var selected = await api.GetAsync($"{ns}/events?fieldSelector=involvedObject.name%3Ds,involvedObject.kind%3DService,reason%3DR");
        Assert.Single(selected.Body.Objects("items"));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task CreateEvent_AboutAnotherNamespace_IsInvalid(string server)
    {
        using var api = await servers.ApiAsync(server);
        var answer = await api.PostAsync($"{await api.NewNamespaceAsync()}/events", Event("other", ""));

        Assert.Equal(422, answer.Status);
        Assert.Contains("involvedObject.namespace: Invalid value: \"other\": does not match event.namespace", answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task CreateEvent_WithEventTime_NeedsWhoReportsAndTheAction(string server)
    {
        using var api = await servers.ApiAsync(server);
        var ns = await api.NewNamespaceAsync();
        var answer = await api.PostAsync($"{ns}/events", Event(ns["/api/v1/namespaces/".Length..], ",\"eventTime\":\"2026-01-02T03:04:05.000000Z\""));

        Assert.Equal(422, answer.Status);
        Assert.Superset(new HashSet<string> { "reportingComponent", "reportingInstance", "action" }, answer.Fields.ToHashSet());
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task CreateEvent_NewGroup_IsStoredAsCoreEvent(string server)
    {
        using var api = await servers.ApiAsync(server);
        var ns = await api.NewNamespaceAsync();
        var name = ns["/api/v1/namespaces/".Length..];
        var created = await api.PostAsync($"/apis/events.k8s.io/v1/namespaces/{name}/events", $$$"""
            {"metadata":{"name":"e"},"regarding":{"kind":"Service","namespace":"{{{name}}}","name":"s"},"eventTime":"2026-01-02T03:04:05.000000Z",
             "reportingController":"example.com/c","reportingInstance":"i","action":"A","reason":"R","note":"n","type":"Normal"}
            """);

        Assert.Equal(201, created.Status);
        var core = await api.GetAsync($"{ns}/events/e");
        Assert.Equal(("n", "s", "example.com/c"), (core.Text("message"), core.Text("involvedObject", "name"), core.Text("reportingComponent")));
    }

    private static string Event(string ns, string more) => $$$"""
        {"metadata":{"name":"e"},"involvedObject":{"kind":"Service","namespace":"{{{ns}}}","name":"s"},"reason":"R","message":"m","type":"Normal",
         "source":{"component":"c"},"count":1,"firstTimestamp":"2026-01-02T03:04:05Z","lastTimestamp":"2026-01-02T03:04:05Z"{{{more}}}}
        """;

    private static async Task<string> LeasesAsync(Api api) =>
        (await api.NewNamespaceAsync()).Replace("/api/v1/", "/apis/coordination.k8s.io/v1/", StringComparison.Ordinal) + "/leases";
}
