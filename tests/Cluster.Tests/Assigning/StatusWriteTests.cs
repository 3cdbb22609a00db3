using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Cluster.Tests.Assigning;

/// <summary>What a Service costs the API server, alone and with a second program that writes its status.</summary>
public sealed class StatusWriteTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private const int ForeignWrites = 1000;

    // Three at once, and those after 5 and 10 s, should the thousand take so long.
    private const int MostOfOurs = 6;

    [Fact]
    public async Task NewService_WhosePodIsReadyAfterIt_CostsOneStatusWriteAndOneEventOfEachProgram()
    {
        string name = NewName(), app = NewName("late");
        Pod pod = (await Cluster.DeployAsync(app, Cluster.Nodes.Take(1))).Single();
        await Cluster.SetReadyAsync(pod, false);
        var versions = new ConcurrentDictionary<string, bool>();
        void Note(string key)
        {
            if (key == $"default/{name}" && Cluster.Services[key] is { } service)
            {
                versions.TryAdd((string)service["metadata"]!["resourceVersion"]!, true);
            }
        }

        Cluster.Services.Changed += Note;
        await CreateServiceAsync(name, new JsonObject { ["selector"] = new JsonObject { ["app"] = app } });
        string address = await Cluster.WaitForAddressAsync(name);
        await Cluster.SetReadyAsync(pod, true);
        await OwnerOnWireAsync(address);

        // Whatever would be told of the first five seconds is told before what is told of a Service that came later.
        string idle = NewName("idle");
        await CreateServiceAsync(idle, new JsonObject { ["selector"] = null });
        await Eventually.GetAsync(() => Cluster.LastEventAsync(idle, "NoServingEndpoint"), Soon + Soon, "an Event NoServingEndpoint", () => Cluster.Programs.Tails());
        Cluster.Services.Changed -= Note;

        var events = await Cluster.EventsAsync(name);
        Assert.Equal(["IPAllocated", "nodeAssigned"], events.Select(e => (string)e["reason"]!).Order(StringComparer.Ordinal));
        Assert.All(events, e => Assert.Equal(1, (int)e["count"]!));
        Assert.Equal(["IPAllocated", "NoServingEndpoint"], (await Cluster.EventsAsync(idle)).Select(e => (string)e["reason"]!).Order(StringComparer.Ordinal));

        // As it was created, and with its address.
        Assert.Equal(2, versions.Count);
        await Cluster.Api.DeleteAsync(ServicePath(idle));
        await Cluster.Api.DeleteAsync(ServicePath(name));
        await Cluster.RemoveAsync(pod, "default");
    }

    [Fact]
    public async Task SecondWriterOfTheStatus_AThousandTimes_GetsAFewOfOurs_AndAtTheEndTheStatusIsRight()
    {
        (string name, string ours, _) = await CreateAnnouncedServiceAsync();
        int written = 0;
        void Note(string key)
        {
            if (key == $"default/{name}" && Cluster.Addresses(name) is [var shown] && shown == ours)
            {
                written++;
            }
        }

        Cluster.Services.Changed += Note;
        long start = TimeProvider.System.GetTimestamp();
        for (int i = 0; i < ForeignWrites; i++)
        {
            await Cluster.Api.MergeAsync($"{ServicePath(name)}/status", Showing($"192.0.2.{(i % 200).ToString(CultureInfo.InvariantCulture)}"));
        }

        Figure($"{ForeignWrites} foreign writes in {TimeProvider.System.GetElapsedTime(start).TotalSeconds:0.0} s, {written} of ours");
        Assert.InRange(written, 0, MostOfOurs);
        string told = await Eventually.GetAsync(() => Cluster.LastEventAsync(name, "StatusContended"), Soon, "an Event StatusContended", () => Cluster.Programs.Tails());
        Figure($"reported: {told}");
        Assert.Contains("--disable servicelb", told, StringComparison.Ordinal);

        // The other is quiet now: right after 5 s, or 20 if the thousand took long.
        await Eventually.TrueAsync(() => Cluster.Addresses(name) is [var shown] && shown == ours, TimeSpan.FromSeconds(60), $"{ours} in the status again", () => Cluster.Programs.Tails());
        Cluster.Services.Changed -= Note;
        await OwnerOnWireAsync(ours);
        Assert.Single(await Cluster.EventsAsync(name), e => (string)e["reason"]! == "StatusContended");
        await Cluster.Api.DeleteAsync(ServicePath(name));
    }

    private static JsonObject Showing(string address) => new()
    {
        ["status"] = new JsonObject
        {
            ["loadBalancer"] = new JsonObject { ["ingress"] = new JsonArray(new JsonObject { ["ip"] = address }) },
        },
    };
}
