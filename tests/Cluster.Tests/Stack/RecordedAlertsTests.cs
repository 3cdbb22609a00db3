using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.Cluster.Tests.Stack;

/// <summary>The shipped alerts on what the running programs say: quiet while all is well, a clean upgrade included, and told when it is not.</summary>
public sealed class RecordedAlertsTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private const string Firing = "count by (alertname) (ALERTS{alertstate=\"firing\"})";

    // What another test did a moment ago is no part of what is recorded.
    public override async ValueTask InitializeAsync()
    {
        await CloseClusterAsync();
        await base.InitializeAsync();
    }

    [Fact]
    public async Task CleanUpgrade_OfEveryProgram_NoAlertFires()
    {
        await CreateAnnouncedServiceAsync();
        var recorded = new RecordedSeries(Cluster, RecordedSeries.OfRules());
        await recorded.RecordAsync(10, Cancel);
        await recorded.RecordAsync(Task.Run(UpgradeAsync, Cancel), Cancel);
        int end = recorded.Seconds + 240;
        Holds(recorded.Judge(240, [("count(up)", recorded.Seconds, 5), .. Enumerable.Range(0, end / 10).Select(i => (Firing, 10 * i, (double?)null))]));
        Figure($"a clean upgrade, {recorded.Seconds} s recorded and held for 240 s more: {recorded.Count} series, no alert");
    }

    [Fact]
    public async Task AddressThatNobodyAnnounces_IsTold_AfterAMinute()
    {
        (string name, string address, _) = await CreateAnnouncedServiceAsync();
        foreach (Node node in Cluster.Nodes)
        {
            await LabelAsync(node, ExcludeLabel, "");
        }

        await SilentOnWireAsync(address);
        var recorded = new RecordedSeries(Cluster, RecordedSeries.OfRules());
        await recorded.RecordAsync(10, Cancel);
        foreach (Node node in Cluster.Nodes)
        {
            await LabelAsync(node, ExcludeLabel, null);
        }

        string query = $"count(ALERTS{{alertname=\"LoadBalancerAddressNotAnnounced\",alertstate=\"firing\",vip=\"{address}\",used_by=\"default/{name}\"}})";
        Holds(recorded.Judge(120, [(query, 50, null), (query, 110, 1)]));
    }

    [Fact]
    public async Task NodesThatDoNotHearEachOther_AreTold_AndSoIsTheAddressThatTwoAnnounce()
    {
        (_, string address, _) = await CreateAnnouncedServiceAsync();
        foreach (Node node in Cluster.Nodes)
        {
            node.Host.Isolate(true);
        }

        var recorded = new RecordedSeries(Cluster, RecordedSeries.OfRules());
        await recorded.RecordAsync(20, Cancel);
        foreach (Node node in Cluster.Nodes)
        {
            node.Host.Isolate(false);
        }

        string twice = $"count(ALERTS{{alertname=\"LoadBalancerAddressAnnouncedTwice\",alertstate=\"firing\",vip=\"{address}\"}})";
        const string Nobody = "count(count by (node) (ALERTS{alertname=\"LoadBalancerNodeHearsNobody\",alertstate=\"firing\"}))";
        Holds(recorded.Judge(90, [(twice, 60, 1), (Nobody, 50, null), (Nobody, 100, Cluster.Nodes.Count)]));
    }

    // The other version is written into what one of them said: programs of two versions are not built for this.
    [Fact]
    public async Task SpeakersOfDifferentVersions_AreTold_AfterAnHour()
    {
        var recorded = new RecordedSeries(Cluster, RecordedSeries.OfRules());
        await recorded.RecordAsync(10, Cancel);
        const string Differ = "count(ALERTS{alertname=\"LoadBalancerVersionsDiffer\",alertstate=\"firing\",program=\"loadbalancer-speaker\"})";
        Holds(recorded.Judge(4000, [(Differ, 3900, null)]));
        recorded.Relabel(Cluster.Nodes[1].Name, "loadbalancer_build_info", "version", "0.0.1");
        Holds(recorded.Judge(4000, [(Differ, 3500, null), (Differ, 3900, 1)]));
    }

    private static void Holds(string complaints) => Assert.True(complaints.Length == 0, complaints);

    private async Task UpgradeAsync()
    {
        foreach (Node node in Cluster.Nodes)
        {
            await Cluster.Programs.Speaker(node).StopAsync();
            Cluster.Programs.StartSpeaker(node);
            await Cluster.Programs.WaitUntilReadyAsync();
        }

        foreach (Node node in ControllerNodes)
        {
            await Cluster.Programs.Controller(node).StopAsync();
            Cluster.Programs.StartController(node);
            await Cluster.Programs.WaitUntilReadyAsync();
        }
    }
}
