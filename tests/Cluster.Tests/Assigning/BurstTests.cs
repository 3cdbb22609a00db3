using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Cluster.Tests.Assigning;

public sealed class BurstTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private const int Count = 1000;
    private const int Connections = 16;
    private const double MemoryLimit = 60;

    // Four times what a busy machine takes, sixteen times what a quiet one does: the figure is what counts.
    private static readonly TimeSpan HalfWithin = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task ThousandServicesAtOnce_AllGetDistinctAddresses()
    {
        await UseLargePoolAsync();
        using var api = new KubeApi(new KubeconfigFile(Cluster.AdminKubeconfig), Connections);
        string stem = NewName("burst");
        var created = new ConcurrentDictionary<string, long>();
        var assigned = new ConcurrentDictionary<string, long>();
        void Record(string key)
        {
            if (key.Contains(stem, StringComparison.Ordinal) && LocalCluster.Cluster.AddressesOf(Cluster.Services[key]).Count > 0)
            {
                assigned.TryAdd(key, TimeProvider.System.GetTimestamp());
            }
        }

        Cluster.Services.Changed += Record;
        long start = TimeProvider.System.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(0, Count), new ParallelOptions { MaxDegreeOfParallelism = Connections, CancellationToken = Cancel }, async (number, _) =>
        {
            JsonObject service = ServiceObject.LoadBalancer($"{stem}-{number}", new JsonObject { ["selector"] = null });
            created[$"default/{stem}-{number}"] = TimeProvider.System.GetTimestamp();
            await api.CreateAsync(ServicesPath, service);
        });
        TimeSpan creating = TimeProvider.System.GetElapsedTime(start);
        await Eventually.TrueAsync(() => assigned.Count == Count, TimeSpan.FromSeconds(60), "an address for each", () => $"{assigned.Count}\n{Cluster.Programs.Tails()}");
        Cluster.Services.Changed -= Record;

        TimeSpan[] times = [.. assigned.Select(entry => TimeProvider.System.GetElapsedTime(created[entry.Key], entry.Value)).Order()];
        HashSet<string> addresses = [.. assigned.Keys.SelectMany(key => LocalCluster.Cluster.AddressesOf(Cluster.Services[key]))];
        Figure($"{Count} Services through {Connections} connections in {creating.TotalSeconds:0.00} s: create to address p50 {times[Count / 2].TotalMilliseconds:0} ms, p99 {times[Count * 99 / 100].TotalMilliseconds:0} ms, last {times[^1].TotalMilliseconds:0} ms");
        Figure($"resident: {Memory()}");
        Assert.Equal(Count, addresses.Count);
        Assert.InRange(times[Count / 2], TimeSpan.Zero, HalfWithin);
        if (ClusterPrograms.AreNative)
        {
            Assert.All(Cluster.Programs.Running.Values, program => Assert.True(program.ResidentMebibytes < MemoryLimit, $"{program.Name}: {program.ResidentMebibytes:0.0} MiB"));
        }

        await Parallel.ForEachAsync(created.Keys, new ParallelOptions { MaxDegreeOfParallelism = Connections }, async (key, _) =>
            await api.DeleteAsync(ServicePath(key.Split('/')[1])));
    }
}
