using System.Net.Sockets;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Cluster.Tests.Stage;

/// <summary>The stage itself: a test about failover is worth what the proxy and the probes under it are worth.</summary>
public sealed class ServiceProxyTests(ClusterFixture fixture, ITestOutputHelper output) : ClusterTest(fixture, output)
{
    // A class nobody serves: these tests give the address themselves.
    private const string NobodysClass = "example.com/by-hand";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task LoadBalancerAddress_OnAnyNode_ReachesEveryPod()
    {
        string name = NewName();
        await CreateServiceAsync(name, new JsonObject { ["loadBalancerClass"] = NobodysClass });
        await using Given given = await GiveAddressAsync(name, "192.168.96.201", Cluster.Nodes[0]);
        await ReachableAsync(given.Address);

        var pages = new HashSet<string>();
        for (int attempt = 0; attempt < 60 && pages.Count < 3; attempt++)
        {
            pages.Add(await GetPageAsync(Cluster.Client, given.Address));
        }

        Assert.Equal(3, pages.Count);
    }

    [Fact]
    public async Task LocalPolicy_KeepsTheClientsAddress_AndDropsWhereNoPodIs()
    {
        string name = NewName();
        IReadOnlyList<Pod> pods = await Cluster.DeployAsync("local", [Cluster.Nodes[1]]);
        await CreateServiceAsync(name, new JsonObject { ["loadBalancerClass"] = NobodysClass, ["externalTrafficPolicy"] = "Local", ["selector"] = new JsonObject { ["app"] = "local" } });
        await using (Given there = await GiveAddressAsync(name, "192.168.96.202", Cluster.Nodes[1]))
        {
            await ReachableAsync(there.Address);
            using HttpClient http = Cluster.Client.Http(Soon);
            using HttpResponseMessage response = await http.GetAsync(new Uri($"http://{there.Address}/"), Cancel);
            Assert.Equal(Lan.Client, response.Headers.GetValues("X-Client").Single());
            Assert.Equal(pods[0].Name, response.Headers.GetValues("X-Pod").Single());
        }

        await using Given elsewhere = await GiveAddressAsync(name, "192.168.96.203", Cluster.Nodes[0]);
        await Assert.ThrowsAnyAsync<Exception>(() => GetPageAsync(Cluster.Client, elsewhere.Address));
    }

    [Fact]
    public async Task ServiceWithoutEndpoints_IsRefusedAtOnce()
    {
        string name = NewName();
        await CreateServiceAsync(name, new JsonObject { ["loadBalancerClass"] = NobodysClass, ["selector"] = new JsonObject { ["app"] = "nobody" } });
        await using Given given = await GiveAddressAsync(name, "192.168.96.204", Cluster.Nodes[2]);

        await Eventually.GetAsync(
            async () =>
            {
                using Socket socket = Cluster.Client.TcpSocket();
                try
                {
                    await socket.ConnectAsync(given.Address, 80, Cancel).AsTask().WaitAsync(TimeSpan.FromMilliseconds(300), TimeProvider.System, Cancel);
                    return null;
                }
                catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
                {
                    return "refused";
                }
                catch (TimeoutException)
                {
                    return null;
                }
            },
            Soon, "a refusal");
    }

    [Fact]
    public async Task NodePort_OnEveryNode_ReachesThePods()
    {
        string name = NewName();
        JsonObject service = await CreateServiceAsync(name, new JsonObject { ["loadBalancerClass"] = NobodysClass });
        int port = (int)service["spec"]!["ports"]![0]!["nodePort"]!;
        foreach (Node node in Cluster.Nodes)
        {
            await ReachableAsync(node.Host.Address, port);
        }
    }

    [Fact]
    public async Task EstablishedConnection_OutlivesTheAddressesRules()
    {
        string name = NewName();
        await CreateServiceAsync(name, new JsonObject { ["loadBalancerClass"] = NobodysClass });
        await using Given given = await GiveAddressAsync(name, "192.168.96.205", Cluster.Nodes[0]);
        await ReachableAsync(given.Address);
        using Socket socket = Cluster.Client.TcpSocket();
        await socket.ConnectAsync(given.Address, 80, Cancel);
        await AskAsync(socket);

        await Cluster.Api.DeleteAsync(ServicePath(name));
        await Eventually.GetAsync(
            async () =>
            {
                try
                {
                    using Socket another = Cluster.Client.TcpSocket();
                    await another.ConnectAsync(given.Address, 80, Cancel);
                    return null;
                }
                catch (SocketException)
                {
                    return "gone";
                }
            },
            Soon, "no new connection");

        Assert.Contains("200 OK", await AskAsync(socket), StringComparison.Ordinal);
    }

    private static async Task<string> AskAsync(Socket socket)
    {
        await socket.SendAsync("GET / HTTP/1.1\r\nHost: web\r\n\r\n"u8.ToArray(), SocketFlags.None, Cancel);
        byte[] buffer = new byte[4096];
        int length = await socket.ReceiveAsync(buffer, SocketFlags.None, Cancel).AsTask().WaitAsync(Soon, TimeProvider.System, Cancel);
        return System.Text.Encoding.ASCII.GetString(buffer, 0, length);
    }

    private async Task ReachableAsync(string address, int port = 80) => await Eventually.GetAsync(
        async () =>
        {
            try
            {
                return await GetPageAsync(Cluster.Client, address, port);
            }
            catch (HttpRequestException)
            {
                return null;
            }
        },
        Soon, $"a page from {address}:{port}");

    private async Task<Given> GiveAddressAsync(string name, string address, Node node)
    {
        await Cluster.Api.MergeAsync($"{ServicePath(name)}/status", new JsonObject
        {
            ["status"] = new JsonObject { ["loadBalancer"] = new JsonObject { ["ingress"] = new JsonArray(new JsonObject { ["ip"] = address }) } },
        });
        node.Host.AddAddress(address);
        return new Given(node.Host, address);
    }

    /// <summary>An address that a node's kernel answers for, in a speaker's place.</summary>
    private sealed class Given(Host host, string address) : IAsyncDisposable
    {
        internal string Address { get; } = address;

        public ValueTask DisposeAsync()
        {
            host.RemoveAddress(Address);
            return ValueTask.CompletedTask;
        }
    }
}
