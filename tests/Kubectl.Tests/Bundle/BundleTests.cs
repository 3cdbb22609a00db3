using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using LoadBalancer.Kubectl.Bundle;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubectl.Tests.Bundle;

public sealed class BundleTests
{
    [Fact]
    public void Bundle_HoldsWhatAReportNeeds_AndSaysWhatCouldNotBeRead()
    {
        var view = Views.Well with { Unread = [new Unread("the Nodes", "403", IsForbidden: true)] };

        var files = BundleMaker.All(view, Views.Now, TimeSpan.Zero, []).ToDictionary(file => file.Name, file => Encoding.UTF8.GetString(file.Content));

        Assert.Equal(["README", "config.yaml", "controller-a/status.json", "doctor.txt", "speaker-n1/status.json", "speaker-n2/status.json", "speaker-n3/status.json", "status.json", "status.txt"], files.Keys.Order(StringComparer.Ordinal));
        Assert.EndsWith("Could not be read: the Nodes: 403\n", files["README"], StringComparison.Ordinal);
        Assert.Contains("0 addresses", files["README"], StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsOfNoConcern_IsInNoFile()
    {
        var view = Views.Well with
        {
            Services =
            [
                Views.Service(service => service with { Labels = new Dictionary<string, string> { ["secret-label"] = "x" }, Selector = new Dictionary<string, string> { ["secret-selector"] = "x" } }),
                new ServiceResource { Key = new ObjectKey("prod", "secret-service"), Type = "ClusterIP", ClusterIPs = ["10.96.77.77"] },
            ],
        };

        var all = string.Concat(BundleMaker.All(view, Views.Now, TimeSpan.Zero, []).Select(file => Encoding.UTF8.GetString(file.Content)));

        Assert.Contains("prod/web", all, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-", all, StringComparison.Ordinal);
        Assert.DoesNotContain("10.96.", all, StringComparison.Ordinal);
    }

    [Fact]
    public void LogOfAPod_IsFilteredToo_AndTheReadmeSaysHowMuch()
    {
        var files = BundleMaker.All(Views.Well, Views.Now, TimeSpan.Zero, [BundleFile.Of("speaker-n1/log.txt", "a scrape from 10.244.0.9 for 192.168.96.100")]).ToDictionary(file => file.Name, file => Encoding.UTF8.GetString(file.Content));

        Assert.Equal("a scrape from [address 1] for 192.168.96.100", files["speaker-n1/log.txt"]);
        Assert.Contains(": 1 addresses", files["README"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Archive_IsReadBackAsItWasWritten()
    {
        using var stream = new MemoryStream();
        await BundleArchive.WriteAsync(stream, "b", [BundleFile.Of("a/x.txt", "one"), BundleFile.Of("y.txt", "two")], Views.Now, TestContext.Current.CancellationToken);
        stream.Position = 0;

        List<string> found = [];
        await using var tar = new TarReader(new GZipStream(stream, CompressionMode.Decompress));
        while (await tar.GetNextEntryAsync(copyData: true, TestContext.Current.CancellationToken) is { } entry)
        {
            using var reader = new StreamReader(entry.DataStream!);
            found.Add($"{entry.Name}: {await reader.ReadToEndAsync(TestContext.Current.CancellationToken)}");
        }

        Assert.Equal(["b/a/x.txt: one", "b/y.txt: two"], found);
    }
}
