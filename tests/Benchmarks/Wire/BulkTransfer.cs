using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Benchmarks.Wire;

/// <summary>
/// What it costs to send a connection on: one client writes as fast as it can to a pod, directly, and on the same connection after its address has
/// moved to another node. Processor time is the whole machine's, client and pod included.
/// </summary>
internal static class BulkTransfer
{
    private const int Port = 8080;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    internal static async Task ShowAsync(Cluster cluster)
    {
        // The pod is on the node that does not own the address at any time.
        var template = new JsonObject
        {
            ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["app"] = "sink" } },
            ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["name"] = "sink", ["image"] = "none" }) },
        };
        var pod = Pod.Run("sink", cluster.Nodes[0], template, ["sleep", "infinity"]);
        using var listener = pod.Host.Network.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Any, Port));
        listener.Listen();
        var sink = SinkAsync(listener);
        await cluster.AddAsync(pod, "default");
        await cluster.Api.CreateAsync("/api/v1/namespaces/default/services", ServiceObject.LoadBalancer("bulk", new JsonObject { ["selector"] = new JsonObject { ["app"] = "sink" } }));
        var address = await cluster.WaitForAddressAsync("bulk");
        var first = await MoveAsync(cluster, address, cluster.Nodes[1]);
        using var connection = await ConnectAsync(cluster.Client, address);
        await WriteAsync(connection, $"direct, at {first.Name}");
        var second = await MoveAsync(cluster, address, cluster.Nodes[2]);
        await WriteAsync(connection, $"the same, sent on by {second.Name}");
        using var another = await ConnectAsync(cluster.Client, address);
        await WriteAsync(another, $"direct, at {second.Name}");
        await WriteAsync(connection, "sent on once more");
        listener.Close();
        await sink;
    }

    private static async Task<Node> MoveAsync(Cluster cluster, string address, Node to)
    {
        foreach (var node in cluster.Nodes)
        {
            await cluster.Api.MergeAsync($"/api/v1/nodes/{node.Name}", new JsonObject
            {
                ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["node.kubernetes.io/exclude-from-external-load-balancers"] = node == to ? null : "" } },
            });
        }

        await using var probe = ArpProbe.Start(cluster.Client, address);
        var moved = TimeSpan.Zero;
        await Eventually.TrueAsync(
            () =>
            {
                var since = moved;
                moved = probe.Now;
                return probe.Macs(since).SetEquals([to.Host.Mac]);
            },
            Patience, $"{to.Name} to own {address}", () => cluster.Programs.Tails());
        cluster.Client.ForgetNeighbours();
        return to;
    }

    // The service proxies hear of it a moment later.
    private static Task<Socket> ConnectAsync(Host from, string address) => Eventually.GetAsync(
        async () =>
        {
            var socket = from.TcpSocket();
            try
            {
                await socket.ConnectAsync(IPAddress.Parse(address), 80);
                return socket;
            }
            catch (SocketException)
            {
                socket.Dispose();
                return null;
            }
        },
        Patience, $"a connection to {address}");

    private static async Task WriteAsync(Socket socket, string what)
    {
        var block = new byte[1 << 18];
        long written = 0;
        var busy = Busy();
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < Window)
        {
            written += await socket.SendAsync(block);
        }

        var took = TimeProvider.System.GetElapsedTime(began);
        var gigabytes = written / 1e9;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  {what,-32} {8 * gigabytes / took.TotalSeconds:0.00} Gbit/s, {(Busy() - busy).TotalSeconds / gigabytes:0.00} s of processor time per GB"));
    }

    // /proc/stat: user, nice, system, idle, iowait, irq, softirq, in hundredths of a second.
    private static TimeSpan Busy()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return TimeSpan.FromSeconds(((int[])[1, 2, 3, 6, 7]).Sum(n => long.Parse(fields[n], CultureInfo.InvariantCulture)) / 100.0);
    }

    private static async Task SinkAsync(Socket listener)
    {
        var readers = new List<Task>();
        try
        {
            while (true)
            {
                readers.Add(ReadAsync(await listener.AcceptAsync()));
            }
        }
        catch (SocketException)
        {
            // Closed.
        }
    }

    private static async Task ReadAsync(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[1 << 18];
            try
            {
                while (await socket.ReceiveAsync(buffer) > 0)
                {
                }
            }
            catch (SocketException)
            {
                // The client is gone.
            }
        }
    }
}
