using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.Assigning;

/// <summary>Ten thousand Services: what a restart costs, and that it changes nothing.</summary>
public sealed class ManyServicesTests
{
    private const int Services = 10_000;

    // Of processor time, all tests that run beside this one included: what else the machine does must not decide.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("10.0.0.0/8")]
    [InlineData("fd00:96::/64")]
    public void TenThousandServices_AreAdoptedWithinSeconds_WithoutAWrite(string range)
    {
        var config = Read(range);
        var first = config.Pools[0].Ranges[0].First;
        var cluster = new FakeCluster();
        for (var i = 1; i <= Services; i++)
        {
            cluster.Create(i, s => s with
            {
                IpFamilies = [first.Family],
                Ingress = [new IngressPoint(first.Add((UInt128)(7 * i)).ToString())],
            });
        }

        var time = TimeProvider.System;
        var (started, used) = (time.GetTimestamp(), Environment.CpuUsage.TotalTime);
        var bench = new Bench(cluster).Start(config);
        var took = Environment.CpuUsage.TotalTime - used;
        TestContext.Current.SendDiagnosticMessage(
            $"{Services} Services of {range} adopted in {time.GetElapsedTime(started).TotalMilliseconds:0} ms, {took.TotalMilliseconds:0} ms of processor time");
        Assert.Empty(bench.Sent);
        Assert.Equal(Services, bench.Assignments.Usage.Single().InUse);
        Assert.InRange(took, TimeSpan.Zero, Bound);

        // The next one gets the lowest free address, as on an empty pool.
        cluster.Create(Services + 1, s => s with { IpFamilies = [first.Family] });
        bench.Settle();
        Assert.Equal(first.ToString(), cluster.AddressOf($"s{Services + 1}"));
    }

    private static PoolConfig Read(string range)
    {
        var result = PoolConfigText.Read($"address-pools: [{{name: default, protocol: layer2, addresses: ['{range}']}}]");
        return result.Config ?? throw new InvalidOperationException(string.Join('\n', result.Problems));
    }
}
