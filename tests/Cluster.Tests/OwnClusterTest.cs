using LoadBalancer.LocalCluster.Network;
using LocalClusterOf = LoadBalancer.LocalCluster.Cluster;

namespace LoadBalancer.Cluster.Tests;

/// <summary>A test on a cluster of its own, in place of the shared one.</summary>
public abstract class OwnClusterTest(
    ClusterFixture fixture, ITestOutputHelper output, int nodes = 3, LanFamilies families = LanFamilies.DualStack) : IAsyncLifetime
{
    private LocalClusterOf? _cluster;

    protected LocalClusterOf Cluster => _cluster!;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await fixture.CloseAsync();
        _cluster = await LocalClusterOf.StartAsync(nodes, families);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_cluster is null)
        {
            return;
        }

        if (TestContext.Current.TestState?.Result == TestResult.Failed)
        {
            output.WriteLine(Cluster.Programs.Tails(60));
        }

        await Cluster.DisposeAsync();
    }

    /// <summary>A figure a reader of the test report wants to see.</summary>
    protected void Figure(string text)
    {
        output.WriteLine(text);
        TestContext.Current.SendDiagnosticMessage(text);
    }
}
