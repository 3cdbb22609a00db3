using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.Cluster.Tests.Operating;

/// <summary><c>kubectl lb bundle</c> on a cluster that runs.</summary>
public sealed class BundleTests(ClusterFixture fixture, ITestOutputHelper output) : OperatorTest(fixture, output)
{
    [Fact]
    public async Task Bundle_HasStatusMetricsAndConfigurationOfEachProgram_AndNeitherSecretsNorAddressesOfNoConcern()
    {
        (string name, string address, _) = await CreateAnnouncedServiceAsync();
        JsonObject secret = await Cluster.Api.GetAsync("/api/v1/namespaces/loadbalancer-system/secrets/heartbeat-key");
        string clusterIp = (await Cluster.Api.GetAsync(ServicePath(name))).Text("spec", "clusterIP");
        string file = Path.Combine(PrivateRun.Folder, $"{NewName("bundle")}.tar.gz");

        (int status, string text, string error, TimeSpan took) = Lb("bundle", "-f", file);

        Figure($"bundle took {took.TotalMilliseconds:0} ms, {new FileInfo(file).Length} bytes\n{text}{error}");
        Assert.Equal(0, status);
        Dictionary<string, string> files = await ReadAsync(file);
        Assert.Contains($"{address}", files["status.txt"], StringComparison.Ordinal);
        Assert.Contains("address-pools:", files["config.yaml"], StringComparison.Ordinal);
        Assert.Contains("Taken out of all files but the ConfigMap:", files["README"], StringComparison.Ordinal);
        foreach (string pod in Cluster.Nodes.Select(node => $"speaker-{node.Name}").Concat(ControllerNodes.Select(node => $"controller-{node.Name}")))
        {
            Assert.Contains("loadbalancer_build_info", files[$"{pod}/metrics.txt"], StringComparison.Ordinal);
            Assert.Contains("status.loadbalancer/v1", files[$"{pod}/status.json"], StringComparison.Ordinal);

            // A real API server asks a kubelet, of which there is none here.
            Assert.Contains(Cluster.Server is LocalApiServer ? "The API server is" : "could not be read", files[$"{pod}/log.txt"], StringComparison.Ordinal);
        }

        string all = string.Concat(files.Values);
        Assert.DoesNotContain(secret.Text("data", "key"), all, StringComparison.Ordinal);
        Assert.DoesNotContain(clusterIp, all, StringComparison.Ordinal);
    }

    private static async Task<Dictionary<string, string>> ReadAsync(string file)
    {
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        await using FileStream stream = File.OpenRead(file);
        await using var tar = new TarReader(new GZipStream(stream, CompressionMode.Decompress));
        while (await tar.GetNextEntryAsync(copyData: true, Cancel) is { } entry)
        {
            using var reader = new StreamReader(entry.DataStream ?? Stream.Null);
            files.Add(entry.Name[(entry.Name.IndexOf('/', StringComparison.Ordinal) + 1)..], await reader.ReadToEndAsync(Cancel));
        }

        return files;
    }
}
