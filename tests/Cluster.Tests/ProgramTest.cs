using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests;

/// <summary>A test of our programs: each begins with two controllers, a speaker on every node and the usual pool.</summary>
public abstract class ProgramTest(ClusterFixture fixture, ITestOutputHelper output) : ClusterTest(fixture, output)
{
    protected const string UsualConfig =
        $"""
        address-pools:
        - name: default
          protocol: layer2
          addresses: [{Lan.Pool}]
        - name: by-hand
          protocol: layer2
          auto-assign: false
          addresses: [192.168.97.0/28]
        """;

    /// <summary>Generous for one thing that should happen at once; a test that measures has its own limit.</summary>
    protected static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    /// <summary>A bound for what takes a third of a second on a quiet machine, and six seconds or more elsewhere.</summary>
    protected static readonly TimeSpan FailedOver = TimeSpan.FromSeconds(2);

    /// <summary>A bound for a silence that is not to be noticed: tens of milliseconds on a quiet machine.</summary>
    protected static readonly TimeSpan HardlyNoticed = TimeSpan.FromSeconds(1);

    private bool _configChanged;
    private bool _serverStopped;
    private bool _outage;

    /// <summary>
    /// Whether hosts were given other hardware addresses: neighbours remember those for a while, and speakers what they stated. The next test
    /// begins on another cluster.
    /// </summary>
    protected virtual bool LeavesTraces => false;

    /// <summary>The two nodes that run a controller.</summary>
    protected IEnumerable<Node> ControllerNodes => Cluster.Nodes.Take(2);

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        if (Cluster.Programs.Running.Count == 0)
        {
            await Cluster.SetConfigAsync(UsualConfig);
        }

        BeforeStart();
        await Cluster.Programs.StartAllAsync();
    }

    /// <summary>Called before the programs are started.</summary>
    protected virtual void BeforeStart()
    {
    }

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await StartServerAsync();
        await base.DisposeAsync();
        if (LeavesTraces)
        {
            await CloseClusterAsync();
            return;
        }

        if (_outage)
        {
            // They try again after a second or two, each kind for itself; the next test is not to wait for that, nor for a Lease to run out.
            await Cluster.Programs.StopAllAsync();
            await Cluster.Api.DeleteAsync($"/apis/coordination.k8s.io/v1/namespaces/{LocalCluster.Cluster.SystemNamespace}/leases/loadbalancer-controller");
        }

        if (_configChanged)
        {
            await Cluster.SetConfigAsync(UsualConfig);
            await Cluster.Programs.StartAllAsync();
            await WaitForPoolAsync("192.168.96.100");
        }
    }

    /// <summary>Stops the API server; it is back when the test ends, at the latest.</summary>
    protected async Task StopServerAsync()
    {
        _outage = _serverStopped = true;
        await Cluster.Server.StopAsync();
    }

    /// <summary>Ends <see cref="StopServerAsync"/>; a server that runs is left alone.</summary>
    protected async Task StartServerAsync()
    {
        if (_serverStopped)
        {
            await Cluster.Server.StartAsync();
            _serverStopped = false;
        }
    }

    /// <summary>Puts another pool configuration in the usual one's place until the test ends.</summary>
    protected Task ChangeConfigAsync(string text)
    {
        _configChanged = true;
        return Cluster.SetConfigAsync(text);
    }

    /// <summary>Puts a pool of a thousand addresses, 192.168.100.0/22, in the usual one's place and waits until it is in force.</summary>
    protected async Task UseLargePoolAsync()
    {
        await ChangeConfigAsync(
            """
            address-pools:
            - name: large
              protocol: layer2
              addresses: [192.168.100.0/22]
            """);
        await WaitForPoolAsync("192.168.100.");
    }

    /// <summary>Waits until new Services get addresses that begin so: a changed configuration is in force.</summary>
    protected async Task WaitForPoolAsync(string prefix)
    {
        string last = "none";
        await Eventually.GetAsync(
            async () =>
            {
                // Another each time: who has got an address keeps it.
                string canary = NewName("canary");
                await CreateServiceAsync(canary);
                last = await Cluster.WaitForAddressAsync(canary, within: Soon);
                await Cluster.Api.DeleteAsync(ServicePath(canary));
                return last.StartsWith(prefix, StringComparison.Ordinal) ? last : null;
            },
            3 * Soon, $"an address {prefix}…", () => $"{last}\n{Cluster.Programs.Tails()}");
    }

    /// <summary>Creates a Service, waits for its address and for the node that announces it.</summary>
    protected async Task<(string Name, string Address, Node Owner)> CreateAnnouncedServiceAsync()
    {
        string name = NewName();
        await CreateServiceAsync(name);
        string address = await Cluster.WaitForAddressAsync(name);
        Node owner = await OwnerOnWireAsync(address);
        await Eventually.GetAsync(
            async () =>
            {
                try
                {
                    return await GetPageAsync(Cluster.Client, address);
                }
                catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
                {
                    return null;
                }
            },
            Soon, $"a page from {address}");
        return (name, address, owner);
    }

    /// <summary>The node whose hardware address alone answers for an address over a third of a second.</summary>
    protected async Task<Node> OwnerOnWireAsync(string address, TimeSpan? within = null)
    {
        IReadOnlySet<string> macs = new HashSet<string>();
        return await Eventually.GetAsync(
            async () =>
            {
                await using ArpProbe probe = ArpProbe.Start(Cluster.Client, address);
                await Eventually.TrueAsync(() => probe.Now > TimeSpan.FromMilliseconds(330), Soon, "330 ms");
                macs = probe.Macs();
                return macs.Count == 1 ? NodeOf(macs.Single()) : null;
            },
            within ?? Soon, $"one node that answers for {address}", () => string.Join(", ", macs));
    }

    /// <summary>Waits until nobody answers for an address over a third of a second.</summary>
    protected Task SilentOnWireAsync(string address) => Eventually.GetAsync(
        async () =>
        {
            await using ArpProbe probe = ArpProbe.Start(Cluster.Client, address);
            await Eventually.TrueAsync(() => probe.Now > TimeSpan.FromMilliseconds(330), Soon, "330 ms");
            return probe.Macs().Count == 0 ? address : null;
        },
        Soon, $"nobody answers for {address}", () => Cluster.Programs.Tails());

    protected Node? NodeOf(string mac) => Cluster.Nodes.FirstOrDefault(node => node.Host.Mac == mac);

    /// <summary>The node the newest Event nodeAssigned of a Service names, or null.</summary>
    protected async Task<Node?> NodeInEventAsync(string service) =>
        await Cluster.LastEventAsync(service, "nodeAssigned") is { } message
            ? Cluster.Nodes.FirstOrDefault(node => message.StartsWith($"announcing from node \"{node.Name}\"", StringComparison.Ordinal))
            : null;

    /// <summary>The node whose controller holds the Lease, or null.</summary>
    protected async Task<Node?> LeaderAsync()
    {
        JsonObject leases = await Cluster.Api.GetAsync($"/apis/coordination.k8s.io/v1/namespaces/{LocalCluster.Cluster.SystemNamespace}/leases");
        string holder = leases["items"]!.AsArray().Select(lease => (string?)lease!["spec"]?["holderIdentity"] ?? "")
            .FirstOrDefault(identity => identity.StartsWith("controller-", StringComparison.Ordinal), "");
        return ControllerNodes.FirstOrDefault(node => holder.StartsWith($"controller-{node.Name}_", StringComparison.Ordinal));
    }

    /// <summary>Waits until a controller leads and returns its node.</summary>
    protected Task<Node> WaitForLeaderAsync(TimeSpan? within = null) =>
        Eventually.GetAsync(LeaderAsync, within ?? TimeSpan.FromSeconds(25), "a controller that leads", () => Cluster.Programs.Tails());

    /// <summary>Waits for a moment that is a while away, checking that something stays true until then.</summary>
    protected static async Task HoldsForAsync(TimeSpan duration, Func<bool> condition, string what)
    {
        long start = TimeProvider.System.GetTimestamp();
        await Eventually.TrueAsync(
            () => condition() ? TimeProvider.System.GetElapsedTime(start) >= duration : throw new InvalidOperationException($"no longer so: {what}"),
            duration + Soon, what);
    }

    /// <summary>Resident memory of every program, for the report.</summary>
    protected string Memory() => string.Join(", ", Cluster.Programs.Running.Values.Where(program => !program.HasExited).Select(program => $"{program.Name} {program.ResidentMebibytes:0.0} MiB"));

    /// <summary>Skips what only the published programs can show.</summary>
    protected static void RequireNative() => Assert.SkipUnless(ClusterPrograms.AreNative, "the programs are not NativeAOT ones: set LB_BIN or run `make publish`");
}
