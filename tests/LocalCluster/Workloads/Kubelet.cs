using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Workloads;

/// <summary>
/// A kubelet's part in a node's life, from the node's own network: its port answers, it renews the Node's Lease every ten seconds, and it
/// puts its pods' status right where the API server has it otherwise. On a node that is cut off it does none of it, as there.
/// </summary>
public sealed class Kubelet : IAsyncDisposable
{
    /// <summary>The port of the kubelet's API.</summary>
    public const int Port = 10250;

    private const string Leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    private static readonly TimeSpan LeasePeriod = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SyncPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromMilliseconds(200);

    private readonly Node _node;
    private readonly KubeApi _api;
    private readonly Func<IReadOnlyList<(string Namespace, Pod Pod)>> _pods;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _listener;
    private readonly Task _all;

    /// <param name="node">Its node.</param>
    /// <param name="credentials">How it reaches the API server.</param>
    /// <param name="pods">All pods of the cluster, as they really are.</param>
    /// <param name="time">The clock.</param>
    internal Kubelet(Node node, KubeconfigFile credentials, Func<IReadOnlyList<(string Namespace, Pod Pod)>> pods, TimeProvider time)
    {
        _node = node;
        _api = new KubeApi(credentials, from: node.Host);
        _pods = pods;
        _time = time;
        _listener = node.Host.Network.Run(() =>
        {
            var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
            socket.Bind(new IPEndPoint(IPAddress.IPv6Any, Port));
            socket.Listen();
            return socket;
        });
        _all = Task.WhenAll(AcceptAsync(), RepeatAsync(RenewAsync, LeasePeriod), RepeatAsync(SyncAsync, SyncPeriod));
    }

    /// <summary>Its process dies: the port refuses, the Lease runs out; the pods go on.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync();
        _listener.Dispose();
        await _all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _api.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using Socket connection = await _listener.AcceptAsync(_stop.Token);
            }
            catch (Exception closed) when (closed is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // A client that has gone again, or the end.
            }
        }
    }

    private async Task RepeatAsync(Func<Task> work, TimeSpan period)
    {
        while (true)
        {
            TimeSpan pause = period;
            try
            {
                await work();
            }
            catch (Exception outage) when (outage is HttpRequestException or IOException or KubeApiException or OperationCanceledException)
            {
                pause = RetryPeriod;
            }

            await Task.Delay(pause, _time, _stop.Token);
        }
    }

    private Task RenewAsync() => _api.ApplyAsync(Leases, new JsonObject
    {
        ["apiVersion"] = "coordination.k8s.io/v1",
        ["kind"] = "Lease",
        ["metadata"] = new JsonObject { ["name"] = _node.Name, ["namespace"] = "kube-node-lease" },
        ["spec"] = new JsonObject
        {
            ["holderIdentity"] = _node.Name,
            ["leaseDurationSeconds"] = 40,
            ["renewTime"] = _time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", System.Globalization.CultureInfo.InvariantCulture),
        },
    });

    private async Task SyncAsync()
    {
        foreach ((string space, Pod pod) in _pods().Where(entry => entry.Pod.Node == _node))
        {
            string path = $"/api/v1/namespaces/{space}/pods/{pod.Name}";
            if (await _api.FindAsync(path) is { } reported && PodReadiness.IsReady(reported) != (pod.Ready && !pod.Terminated))
            {
                await _api.MergeAsync($"{path}/status", pod.ToStatus());
            }
        }
    }
}

/// <summary>What a Pod object says of its readiness.</summary>
internal static class PodReadiness
{
    /// <summary>Whether the condition Ready is True.</summary>
    public static bool IsReady(JsonObject? pod) => pod?["status"]?["conditions"]?.AsArray()
        .Any(condition => (string?)condition!["type"] == "Ready" && (string?)condition["status"] == "True") == true;
}
