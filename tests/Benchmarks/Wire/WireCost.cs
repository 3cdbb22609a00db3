using LoadBalancer.Benchmarks.Idle;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Benchmarks.Wire;

/// <summary>What clients see: ARP answers beside the kernel's own, with few and with 1,000 addresses announced; a connection that is sent on beside one that is not.</summary>
internal static class WireCost
{
    private const int Few = 3;
    private const int Many = 1000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <param name="args">After <c>wire</c>: <c>kernel</c> for the kernel's part.</param>
    public static int Run(string[] args)
    {
        if (PrivateRun.Enter(args) is { } status)
        {
            return status;
        }

        MeasureAsync(args.Contains("kernel")).GetAwaiter().GetResult();
        return 0;
    }

    private static async Task MeasureAsync(bool kernel)
    {
        await using var cluster = await Cluster.StartAsync();
        if (kernel)
        {
            cluster.Programs.UseKernel();
        }

        await cluster.SetConfigAsync("address-pools:\n- name: default\n  protocol: layer2\n  addresses: [192.168.97.0-192.168.109.255]\n");
        await cluster.DeployAsync("web", cluster.Nodes.Take(1));
        await cluster.Programs.StartAllAsync();
        Console.WriteLine($"ARP answers of {(kernel ? "the kernel's part" : "the process")}, {(ClusterPrograms.AreNative ? "NativeAOT" : "not NativeAOT: `make publish` first")}:");
        foreach (var (from, to) in ((int, int)[])[(0, Few), (Few, Many)])
        {
            await IdleCost.CreateAsync(cluster, from, to);
            var vip = await cluster.WaitForAddressAsync("idle-0");
            string? mac = null;
            await using (var probe = ArpProbe.Start(cluster.Client, vip))
            {
                await Eventually.TrueAsync(() => (mac = probe.Macs().SingleOrDefault()) is not null, Patience, $"an answer for {vip}");
            }

            AnswerLatency.Show(cluster, $"{to:N0} addresses announced", vip, cluster.Nodes.Single(node => node.Host.Mac == mac));
        }

        if (kernel)
        {
            Console.WriteLine("One connection that writes as fast as it can:");
            await BulkTransfer.ShowAsync(cluster);
        }
    }
}
