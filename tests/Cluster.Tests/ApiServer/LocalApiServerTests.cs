using System.Net;
using LoadBalancer.LocalCluster.ApiServer;
using LoadBalancer.LocalCluster.ApiServer.Access;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>What only the server in process can do: play old servers, misbehave on purpose, tell who asked for what.</summary>
public sealed class LocalApiServerTests : IAsyncDisposable
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("lb-local-apiserver-");
    private LocalApiServer? _server;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task StopAndStart_SamePort_KeepsWhatIsStoredAndCutsConnections()
    {
        using var api = await StartAsync(new LocalApiServerOptions());
        await api.PostAsync(Maps, """{"metadata":{"name":"a"}}""");
        var endpoint = _server!.Endpoint;
        var watch = await OpenWatchAsync(api);

        await _server.StopAsync();
        await Assert.ThrowsAnyAsync<IOException>(() => watch.WaitAsync(Patience, Cancel));
        await Assert.ThrowsAsync<HttpRequestException>(() => api.GetAsync(Maps));

        await _server.StartAsync();
        Assert.Equal(endpoint, _server.Endpoint);
        Assert.Equal(200, (await api.GetAsync($"{Maps}/a")).Status);
    }

    [Fact]
    public async Task FailNext_TooManyRequests_SaysWhenToTryAgainAndThenStops()
    {
        using var api = await StartAsync(new LocalApiServerOptions());
        _server!.Faults.FailNext(2, 429, info => info.Resource == "configmaps", retryAfterSeconds: 3);

        Assert.Equal(200, (await api.GetAsync("/api/v1/nodes")).Status);
        var refused = await api.GetAsync(Maps);
        Assert.Equal((429, "TooManyRequests", "3"), (refused.Status, refused.Reason, refused.RetryAfter));
        Assert.Equal(429, (await api.GetAsync(Maps)).Status);
        Assert.Equal(200, (await api.GetAsync(Maps)).Status);
    }

    [Fact]
    public async Task Compact_WatchFromBefore_GetsErrorEventGone()
    {
        using var api = await StartAsync(new LocalApiServerOptions());
        await api.PostAsync(Maps, """{"metadata":{"name":"a"}}""");
        _server!.Faults.Compact();
        var lines = await DrainAsync(api, $"{Maps}?watch=1&resourceVersion=1");

        var line = Assert.Single(lines);
        Assert.Equal(("ERROR", "Expired", 410), (line.Type, line.Object.Text("reason"), line.Object.Number("code")));
    }

    [Fact]
    public async Task WatchHistory_Overrun_ForgetsTheOldest()
    {
        using var api = await StartAsync(new LocalApiServerOptions { WatchHistory = 4 });
        for (var i = 0; i < 10; i++)
            await api.PostAsync(Maps, $$$"""{"metadata":{"name":"m{{{i}}}"}}""");

        Assert.Equal("ERROR", Assert.Single(await DrainAsync(api, $"{Maps}?watch=1&resourceVersion=1")).Type);
    }

    [Fact]
    public async Task ExpireWatches_OpenWatch_EndsWithGone()
    {
        using var api = await StartAsync(new LocalApiServerOptions());
        var watch = await OpenWatchAsync(api);
        _server!.Faults.ExpireWatches();

        var last = (await watch.WaitAsync(Patience, Cancel))[^1];
        Assert.Equal(("ERROR", 410), (last.Type, last.Object.Number("code")));
    }

    [Fact]
    public async Task CutWatches_OpenWatch_BreaksOff()
    {
        using var api = await StartAsync(new LocalApiServerOptions());
        var watch = await OpenWatchAsync(api);
        _server!.Faults.CutWatches();

        await Assert.ThrowsAnyAsync<IOException>(() => watch.WaitAsync(Patience, Cancel));
        Assert.Equal(200, (await api.GetAsync(Maps)).Status);
    }

    [Fact]
    public async Task Bookmark_ShortWatch_ComesBeforeTheEnd()
    {
        using var api = await StartAsync(new LocalApiServerOptions());
        var lines = await DrainAsync(api, $"{Maps}?watch=1&resourceVersion=1&timeoutSeconds=3&allowWatchBookmarks=true");

        Assert.Equal("BOOKMARK", Assert.Single(lines).Type);
        Assert.NotEmpty(lines[0].Object.Text("metadata", "resourceVersion"));
    }

    [Fact]
    public async Task AccessLog_AfterRequests_NamesVerbResourceAndOutcome()
    {
        using var admin = await StartAsync(new LocalApiServerOptions());
        using var api = Api.FromKubeconfig(_server!.WriteKubeconfig(Path.Combine(_folder.FullName, "sa"), "system:serviceaccount:lb:speaker"));
        await api.GetAsync("/api/v1/services");
        await admin.PatchAsync("/api/v1/namespaces/default/services/kubernetes/status", Api.Merge, "{}");

        var records = _server.AccessLog.Records;
        Assert.Equal(1, records[new AccessRecord("system:serviceaccount:lb:speaker", "list", "", "services", "", "", "", false)]);
        Assert.Equal(1, records[new AccessRecord("admin", "patch", "", "services", "status", "default", "kubernetes", true)]);
    }

    [Fact]
    public async Task EnforceRbacOff_Anyone_MayDoEverything()
    {
        using var admin = await StartAsync(new LocalApiServerOptions { EnforceRbac = false });
        using var api = Api.FromKubeconfig(_server!.WriteKubeconfig(Path.Combine(_folder.FullName, "sa"), "system:serviceaccount:lb:speaker"));

        Assert.Equal(200, (await api.GetAsync("/api/v1/services")).Status);
    }

    [Fact]
    public async Task Token_Unknown_IsUnauthorized()
    {
        using var admin = await StartAsync(new LocalApiServerOptions());
        var path = _server!.WriteKubeconfig(Path.Combine(_folder.FullName, "forged"));
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path, Cancel)).Replace(_server.TokenOf("admin"), "wrong", StringComparison.Ordinal), Cancel);
        using var api = Api.FromKubeconfig(path);

        Assert.Equal((401, "Unauthorized"), ((await api.GetAsync(Maps)).Status, (await api.GetAsync(Maps)).Reason));
    }

    [Fact]
    public async Task TokenRequest_ForServiceAccount_GivesAWorkingToken()
    {
        using var admin = await StartAsync(new LocalApiServerOptions());
        await admin.PostAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"speaker"}}""");
        var request = await admin.PostAsync("/api/v1/namespaces/default/serviceaccounts/speaker/token", "{}");

        Assert.Equal(201, request.Status);
        Assert.Equal(_server!.TokenOf("system:serviceaccount:default:speaker"), request.Text("status", "token"));
    }

    [Fact]
    public async Task EndpointSlicesBeta_OldServer_ServesOnlyThatWithTopology()
    {
        using var api = await StartAsync(new LocalApiServerOptions { EndpointSliceVersions = ["v1beta1"], KubernetesVersion = new Version(1, 20, 2) });
        const string Slices = "/apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices";
        var created = await api.PostAsync(Slices, """
            {"metadata":{"name":"e"},"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1"],"topology":{"kubernetes.io/hostname":"n1","topology.kubernetes.io/zone":"z"}}],"ports":[{"port":80}]}
            """);

        Assert.Equal(201, created.Status);
        var endpoint = Assert.Single((await api.GetAsync($"{Slices}/e")).Body.Objects("endpoints"));
        Assert.Equal(("n1", "z"), (endpoint.Text("topology", "kubernetes.io/hostname"), endpoint.Text("topology", "topology.kubernetes.io/zone")));
        Assert.Equal(404, (await api.GetAsync("/apis/discovery.k8s.io/v1/endpointslices")).Status);
    }

    [Fact]
    public async Task IpMode_ServerBefore129_IsDropped()
    {
        using var api = await StartAsync(new LocalApiServerOptions { KubernetesVersion = new Version(1, 20, 2) });
        const string Services = "/api/v1/namespaces/default/services";
        await api.PostAsync(Services, """{"metadata":{"name":"s"},"spec":{"type":"LoadBalancer","ports":[{"port":80}]}}""");
        var patched = await api.PatchAsync($"{Services}/s/status", Api.Merge, """{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1","ipMode":"VIP"}]}}}""");

        Assert.Equal("""[{"ip":"192.0.2.1"}]""", patched.Body.At("status", "loadBalancer", "ingress")!.ToJsonString());
    }

    [Fact]
    public async Task DualStack_TwoRanges_PolicyDecidesFamilies()
    {
        using var api = await StartAsync(new LocalApiServerOptions { ServiceRanges = [IPNetwork.Parse("10.96.0.0/16"), IPNetwork.Parse("fd00:10:96::/112")] });
        const string Services = "/api/v1/namespaces/default/services";
        var prefer = await api.PostAsync(Services, """{"metadata":{"name":"p"},"spec":{"ipFamilyPolicy":"PreferDualStack","ports":[{"port":80}]}}""");
        var six = await api.PostAsync(Services, """{"metadata":{"name":"s"},"spec":{"ipFamilies":["IPv6"],"ports":[{"port":80}]}}""");
        var upgraded = await api.PatchAsync($"{Services}/s", Api.Merge, """{"spec":{"ipFamilyPolicy":"RequireDualStack"}}""");
        var single = await api.PatchAsync($"{Services}/p", Api.Merge, """{"spec":{"ipFamilyPolicy":"SingleStack"}}""");

        Assert.Equal(["IPv4", "IPv6"], prefer.Body.Strings("spec", "ipFamilies"));
        Assert.StartsWith("fd00:10:96::", six.Text("spec", "clusterIP"), StringComparison.Ordinal);
        Assert.Equal(["IPv6", "IPv4"], upgraded.Body.Strings("spec", "ipFamilies"));
        Assert.Equal(six.Text("spec", "clusterIP"), upgraded.Body.Strings("spec", "clusterIPs").First());
        Assert.Equal(prefer.Body.Strings("spec", "clusterIPs").Take(1), single.Body.Strings("spec", "clusterIPs"));
    }

    [Theory]
    [InlineData("""{"ipFamilies":["IPv4","IPv4"]}""", "spec.ipFamilies[1]: Duplicate value: \"IPv4\"")]
    [InlineData("""{"ipFamilies":["IPv5"]}""", "spec.ipFamilies[0]: Unsupported value: \"IPv5\"")]
    [InlineData("""{"ipFamilies":["IPv6"],"clusterIP":"10.96.7.7"}""", "spec.clusterIPs[0]: Invalid value: \"10.96.7.7\": expected an IPv6 value as indicated by `ipFamilies[0]`")]
    [InlineData("""{"clusterIP":"10.96.7.7","clusterIPs":["10.96.7.7","10.96.7.8"]}""", "may specify no more than one IP for each IP family")]
    [InlineData("""{"ipFamilyPolicy":"SingleStack","ipFamilies":["IPv4","IPv6"]}""", "must be RequireDualStack or PreferDualStack when multiple `ipFamilies` are specified")]
    public async Task DualStack_FamiliesThatContradict_AreRefused(string spec, string words)
    {
        using var api = await StartAsync(new LocalApiServerOptions { ServiceRanges = [IPNetwork.Parse("10.96.0.0/16"), IPNetwork.Parse("fd00:10:96::/112")] });
        var answer = await api.PostAsync("/api/v1/namespaces/default/services", $$$"""{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}],{{{spec.Trim('{', '}')}}}}}""");

        Assert.Equal((422, "Invalid"), (answer.Status, answer.Reason));
        Assert.Contains(words, answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DualStack_SecondFamilyTakenOutWithoutSingleStack_IsRefused()
    {
        using var api = await StartAsync(new LocalApiServerOptions { ServiceRanges = [IPNetwork.Parse("10.96.0.0/16"), IPNetwork.Parse("fd00:10:96::/112")] });
        const string Services = "/api/v1/namespaces/default/services";
        await api.PostAsync(Services, """{"metadata":{"name":"s"},"spec":{"ipFamilyPolicy":"RequireDualStack","ports":[{"port":80}]}}""");

        var refused = await api.PatchAsync($"{Services}/s", Api.Merge, """{"spec":{"ipFamilies":["IPv4"]}}""");
        var swapped = await api.PatchAsync($"{Services}/s", Api.Merge, """{"spec":{"ipFamilies":["IPv6","IPv4"]}}""");
        var single = await api.PatchAsync($"{Services}/s", Api.Merge, """{"spec":{"ipFamilyPolicy":"SingleStack","ipFamilies":["IPv4"]}}""");

        Assert.Contains("must be set to 'SingleStack' when releasing the secondary ipFamily", refused.Message, StringComparison.Ordinal);
        Assert.Contains("spec.ipFamilies[0]", swapped.Message, StringComparison.Ordinal);
        Assert.Equal(200, single.Status);
        Assert.Single(single.Body.Strings("spec", "clusterIPs"));
    }

    [Fact]
    public async Task CustomResourceDefinition_Created_ServesItsObjects()
    {
        using var api = await StartAsync(new LocalApiServerOptions());
        var created = await api.PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """
            {"metadata":{"name":"monitors.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"kind":"Monitor","plural":"monitors","singular":"monitor"},
             "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}},"additionalPrinterColumns":[{"name":"Target","type":"string","jsonPath":".spec.target"}]}]}}
            """);
        Assert.Equal(201, created.Status);

        const string Monitors = "/apis/example.com/v1/namespaces/default/monitors";
        Assert.Equal(201, (await api.PostAsync(Monitors, """{"apiVersion":"example.com/v1","kind":"Monitor","metadata":{"name":"m"},"spec":{"target":"here"}}""")).Status);
        Assert.Equal("here", (await api.GetAsync($"{Monitors}/m")).Text("spec", "target"));
        var table = await api.GetAsync(Monitors, Api.TableAccept);
        Assert.Equal("here", table.Body.Objects("rows").Single().List("cells")![1].Text());

        await api.DeleteAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/monitors.example.com");
        Assert.Equal(404, (await api.GetAsync(Monitors)).Status);
    }

    [Fact]
    public async Task DeleteNamespace_WithContents_TakesThemAlong()
    {
        using var api = await StartAsync(new LocalApiServerOptions());
        var ns = await api.NewNamespaceAsync();
        await api.PostAsync($"{ns}/services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}""");
        await api.DeleteAsync(ns);

        Assert.Equal(404, (await api.GetAsync(ns)).Status);
        Assert.Empty((await api.GetAsync($"{ns}/services")).Body.Objects("items"));
    }

    [Fact]
    public async Task Burst_ThousandServicesAndStatusPatches_TakesSeconds()
    {
        const int Count = 1000;
        using var api = await StartAsync(new LocalApiServerOptions());
        var watches = new List<Task<List<WatchLine>>>();
        for (var i = 0; i < 3; i++)
            watches.Add(await OpenWatchAsync(api, until: 1 + (2 * Count)));
        var start = TimeProvider.System.GetTimestamp();
        await Parallel.ForAsync(0, Count, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancel }, async (i, _) =>
        {
            var created = await api.PostAsync("/api/v1/namespaces/default/services",
                $$$"""{"metadata":{"name":"s{{{i}}}"},"spec":{"type":"LoadBalancer","ports":[{"port":80}]}}""");
            Assert.Equal(201, created.Status);
            var patch = $$$$"""{"metadata":{"resourceVersion":"{{{{created.Text("metadata", "resourceVersion")}}}}"},"status":{"loadBalancer":{"ingress":[{"ip":"192.0.{{{{i / 250}}}}.{{{{i % 250}}}}"}]}}}""";
            Assert.Equal(200, (await api.PatchAsync($"/api/v1/namespaces/default/services/s{i}/status", Api.Merge, patch)).Status);
        });
        await Task.WhenAll(watches).WaitAsync(Patience, Cancel);
        var took = TimeProvider.System.GetElapsedTime(start);

        TestContext.Current.TestOutputHelper!.WriteLine($"{Count} creates, {Count} status patches, 3 watches: {took.TotalSeconds:0.00} s");
        Assert.True(took < Patience, $"took {took}");
        Assert.Equal(Count, (await api.GetAsync("/api/v1/services")).Body.Objects("items").Select(s => s.Text("spec", "clusterIP")).Distinct().Count() - 1);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task<Api> StartAsync(LocalApiServerOptions options)
    {
        _server = new LocalApiServer(options);
        await _server.StartAsync();
        return Api.FromKubeconfig(_server.WriteKubeconfig(Path.Combine(_folder.FullName, "admin")));
    }

    // Open for certain: the Service kubernetes has been told. The task has the lines, up to as many as are waited for.
    private static async Task<Task<List<WatchLine>>> OpenWatchAsync(Api api, int until = int.MaxValue)
    {
        var opened = new TaskCompletionSource();
        async Task<List<WatchLine>> FollowAsync()
        {
            var lines = new List<WatchLine>();
            await foreach (var line in api.WatchAsync("/api/v1/services?watch=1", Cancel))
            {
                lines.Add(line);
                opened.TrySetResult();
                if (lines.Count == until)
                    break;
            }

            return lines;
        }

        var following = FollowAsync();
        await (await Task.WhenAny(opened.Task, following)).WaitAsync(Patience, Cancel);
        return following;
    }

    private static async Task<List<WatchLine>> DrainAsync(Api api, string path)
    {
        var lines = new List<WatchLine>();
        await foreach (var line in api.WatchAsync(path, Cancel))
            lines.Add(line);
        return lines;
    }
}
