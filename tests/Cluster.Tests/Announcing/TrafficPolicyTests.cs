using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Cluster.Tests.Announcing;

/// <summary>What <c>externalTrafficPolicy</c> and the endpoints decide, seen from a host of the home network.</summary>
public sealed class TrafficPolicyTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private static readonly JsonObject Local = new() { ["externalTrafficPolicy"] = "Local" };

    [Fact]
    public async Task PolicyCluster_IsReachedFromOutside_ThroughPodsOfSeveralNodes()
    {
        (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
        IReadOnlySet<string> nodes = await ServingNodesAsync(address, 30);
        Figure($"announced by {owner.Name}, served by {string.Join(", ", nodes)}");
        Assert.True(nodes.Count > 1);
    }

    [Fact]
    public async Task PolicyLocal_OnlyPodsOnTheAnnouncingNodeServe_AndTheOwnerFollowsTheEndpoint()
    {
        string app = NewName("local");
        IReadOnlyList<Pod> pods = await Cluster.DeployAsync(app, Cluster.Nodes.Take(2));
        string name = NewName();
        await CreateServiceAsync(name, With(Local, app));
        string address = await Cluster.WaitForAddressAsync(name);
        Node owner = await OwnerOnWireAsync(address);
        await ReachedAsync(address);
        Assert.Equal([owner.Name], await ServingNodesAsync(address, 10));

        Pod there = pods.Single(pod => pod.Node == owner), elsewhere = pods.Single(pod => pod.Node != owner);
        await Cluster.SetReadyAsync(there, false);
        Node next = await Eventually.GetAsync(
            async () => await OwnerOnWireAsync(address) is { } node && node != owner ? node : null, Soon, $"{address} at {elsewhere.Node.Name}", () => Cluster.Programs.Tails());
        Assert.Equal(elsewhere.Node, next);
        await ReachedAsync(address);
        string message = await Eventually.GetAsync(
            async () => await Cluster.LastEventAsync(name, "nodeAssigned") is { } text && text.Contains("before", StringComparison.Ordinal) ? text : null,
            Soon, "an Event that says from where and why");
        Figure($"reported: {message}");
        Assert.Contains($"announcing from node \"{next.Name}\" with protocol \"layer2\"", message, StringComparison.Ordinal);
        Assert.Contains($"was at node \"{owner.Name}\" before: it has no serving endpoint", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoServingEndpoint_NobodyAnswers_TheEventSaysWhy_AndAnEndpointEndsIt()
    {
        string name = NewName(), app = NewName("none");
        await CreateServiceAsync(name, With([], app));
        string address = await Cluster.WaitForAddressAsync(name);
        await using ArpProbe probe = ArpProbe.Start(Cluster.Client, address);
        string message = await Eventually.GetAsync(
            () => Cluster.LastEventAsync(name, "NoServingEndpoint"), TimeSpan.FromSeconds(20), "an Event NoServingEndpoint", () => Cluster.Programs.Tails());
        Figure($"reported: {message}");
        Assert.Empty(probe.Macs());

        await Cluster.DeployAsync(app, Cluster.Nodes.Take(1));
        await OwnerOnWireAsync(address);
        await ReachedAsync(address);
    }

    [Fact]
    public async Task OneServiceWithTcpAndUdp_ServesBothOnOneAddress()
    {
        string app = NewName("echo");
        Pod pod = Assert.Single(await Cluster.DeployAsync(app, Cluster.Nodes.Take(1)));
        using Socket server = pod.Host.Network.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        server.Bind(new IPEndPoint(IPAddress.Any, Pod.Port));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task echo = EchoAsync(server, stop.Token);

        string name = NewName();
        await CreateServiceAsync(name, With(new JsonObject
        {
            ["ports"] = new JsonArray(
                new JsonObject { ["name"] = "tcp", ["port"] = 80, ["targetPort"] = Pod.Port },
                new JsonObject { ["name"] = "udp", ["port"] = 80, ["targetPort"] = Pod.Port, ["protocol"] = "UDP" }),
        }, app));
        string address = await Cluster.WaitForAddressAsync(name);
        await OwnerOnWireAsync(address);
        await ReachedAsync(address);
        Assert.Equal("hello over UDP", await AskOverUdpAsync(address, "hello over UDP"));
        await stop.CancelAsync();
        await echo;
    }

    [Fact]
    public async Task SharedAddress_IsAnnouncedFromOneNode_AndServesEachPort()
    {
        var sharing = new JsonObject { ["metallb.universe.tf/allow-shared-ip"] = "together" };
        string first = NewName(), second = NewName();
        await CreateServiceAsync(first, annotations: sharing);
        string address = await Cluster.WaitForAddressAsync(first);
        await CreateServiceAsync(
            second, new JsonObject { ["ports"] = new JsonArray(new JsonObject { ["port"] = 8080, ["targetPort"] = Pod.Port }) }, sharing);
        Assert.Equal(address, await Cluster.WaitForAddressAsync(second));
        Node owner = await OwnerOnWireAsync(address);
        await ReachedAsync(address);
        await ReachedAsync(address, 8080);
        foreach (string name in new[] { first, second })
        {
            Assert.Equal(owner, await Eventually.GetAsync(() => NodeInEventAsync(name), Soon, $"an Event nodeAssigned of {name}"));
        }
    }

    private static JsonObject With(JsonObject spec, string app)
    {
        JsonObject merged = spec.DeepClone().AsObject();
        merged["selector"] = new JsonObject { ["app"] = app };
        return merged;
    }

    private static async Task EchoAsync(Socket server, CancellationToken stop)
    {
        byte[] buffer = new byte[512];
        try
        {
            while (true)
            {
                SocketReceiveFromResult got = await server.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), stop);
                await server.SendToAsync(buffer.AsMemory(0, got.ReceivedBytes), got.RemoteEndPoint, stop);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task<string> AskOverUdpAsync(string address, string text)
    {
        using Socket client = Cluster.Client.Network.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        await client.ConnectAsync(new IPEndPoint(IPAddress.Parse(address), 80), Cancel);
        byte[] buffer = new byte[512];
        return await Eventually.GetAsync(
            async () =>
            {
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
                patience.CancelAfter(TimeSpan.FromMilliseconds(500));
                try
                {
                    await client.SendAsync(Encoding.UTF8.GetBytes(text), patience.Token);
                    return Encoding.UTF8.GetString(buffer, 0, await client.ReceiveAsync(buffer, patience.Token));
                }
                catch (Exception lost) when (lost is OperationCanceledException or SocketException)
                {
                    return null;
                }
            },
            Soon, $"an echo over UDP from {address}");
    }

    private async Task ReachedAsync(string address, int port = 80) =>
        await Eventually.GetAsync(() => TryPageAsync(address, port), Soon, $"a page from {address}", () => Cluster.Programs.Tails());

    private async Task<string?> TryPageAsync(string address, int port)
    {
        try
        {
            return await GetPageAsync(Cluster.Client, address, port);
        }
        catch (Exception unreached) when (unreached is HttpRequestException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>The nodes whose pods served so many requests; a page ends in "on NODE".</summary>
    private async Task<IReadOnlySet<string>> ServingNodesAsync(string address, int requests)
    {
        var nodes = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < requests; i++)
        {
            nodes.Add((await GetPageAsync(Cluster.Client, address)).Trim().Split(' ')[^1]);
        }

        return nodes;
    }
}
