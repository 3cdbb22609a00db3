using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>What a reflector relies on.</summary>
public sealed class WatchConformanceTests(ServersUnderTest servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Watch_FromListVersion_TellsEachChangeInOrder(string server)
    {
        using var api = await servers.ApiAsync(server);
        var (maps, version) = await HistoryAsync(api);

        Assert.Equal(["ADDED a", "ADDED b", "MODIFIED a", "DELETED b"], await LinesAsync(api, $"{maps}?watch=1&timeoutSeconds=1&resourceVersion={version}"));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Watch_ObjectStopsMatchingSelector_IsToldAsDeleted(string server)
    {
        using var api = await servers.ApiAsync(server);
        var (maps, version) = await HistoryAsync(api);

        Assert.Equal(["ADDED a", "ADDED b", "DELETED a", "DELETED b"],
            await LinesAsync(api, $"{maps}?watch=1&timeoutSeconds=1&resourceVersion={version}&labelSelector=l%3Dx"));
        Assert.Equal(["ADDED a"], await LinesAsync(api, $"{maps}?watch=1&timeoutSeconds=1&resourceVersion={version}&labelSelector=l%3Dy"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("&resourceVersion=0")]
    public async Task Watch_WithoutVersion_BeginsWithWhatIsThere(string version)
    {
        foreach (string server in ServersUnderTest.All.Select(row => row.Data))
        {
            using var api = await servers.ApiAsync(server);
            var (maps, _) = await HistoryAsync(api);
            Assert.Equal(["ADDED a"], await LinesAsync(api, $"{maps}?watch=1&timeoutSeconds=1{version}"));
        }
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Watch_SendInitialEvents_MarksTheirEnd(string server)
    {
        using var api = await servers.ApiAsync(server);
        var (maps, _) = await HistoryAsync(api);
        var lines = new List<WatchLine>();
        await foreach (var line in api.WatchAsync($"{maps}?watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true", Cancel))
            lines.Add(line);

        Assert.Equal(["ADDED a", "BOOKMARK "], lines.Take(2).Select(l => l.ToString()));
        Assert.Equal("true", lines[1].Object.Text("metadata", "annotations", "k8s.io/initial-events-end"));
        Assert.NotEmpty(lines[1].Object.Text("metadata", "resourceVersion"));
        Assert.Equal("ConfigMap", lines[1].Object.Text("kind"));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Watch_OneName_TellsOnlyOfIt(string server)
    {
        using var api = await servers.ApiAsync(server);
        var (maps, version) = await HistoryAsync(api);

        Assert.Equal(["ADDED b", "DELETED b"], await LinesAsync(api, $"{maps}?watch=1&timeoutSeconds=1&resourceVersion={version}&fieldSelector=metadata.name%3Db"));
    }

    [Theory]
    [MemberData(nameof(ServersUnderTest.All), MemberType = typeof(ServersUnderTest))]
    public async Task Watch_Deletion_CarriesTheLastStateUnderANewVersion(string server)
    {
        using var api = await servers.ApiAsync(server);
        var (maps, version) = await HistoryAsync(api);
        var versions = new List<long>();
        await foreach (var line in api.WatchAsync($"{maps}?watch=1&timeoutSeconds=1&resourceVersion={version}", Cancel))
        {
            Assert.Equal("v", line.Object.Text("data", "k"));
            versions.Add(long.Parse(line.Object.Text("metadata", "resourceVersion"), System.Globalization.CultureInfo.InvariantCulture));
        }

        Assert.Equal(versions.Order().Distinct(), versions);
    }

    // a and b are added, a changes its label from x to y, b is deleted; returns the version before all that.
    private static async Task<(string Maps, string Version)> HistoryAsync(Api api)
    {
        var maps = $"{await api.NewNamespaceAsync()}/configmaps";
        var version = (await api.GetAsync(maps)).Text("metadata", "resourceVersion");
        foreach (var name in (string[])["a", "b"])
            await api.PostAsync(maps, $$$"""{"metadata":{"name":"{{{name}}}","labels":{"l":"x"}},"data":{"k":"v"}}""");
        await api.PatchAsync($"{maps}/a", Api.Merge, """{"metadata":{"labels":{"l":"y"}}}""");
        await api.DeleteAsync($"{maps}/b");
        return (maps, version);
    }

    private static async Task<List<string>> LinesAsync(Api api, string path)
    {
        var lines = new List<string>();
        await foreach (var line in api.WatchAsync(path, Cancel))
            lines.Add(line.ToString());
        return lines;
    }
}
