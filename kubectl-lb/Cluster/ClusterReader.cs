using System.Net;
using System.Text.Json;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Cluster;

/// <summary>What is to be read of a cluster beside the programs' own word.</summary>
[Flags]
internal enum Parts
{
    /// <summary>The programs' <c>/status</c>.</summary>
    Programs = 1,

    /// <summary>All Services.</summary>
    Services = 2,

    /// <summary>All Nodes.</summary>
    Nodes = 4,

    /// <summary>All namespaces.</summary>
    Namespaces = 8,

    /// <summary>The speakers' Leases.</summary>
    Leases = 16,

    /// <summary>The ConfigMap.</summary>
    Config = 32,
}

/// <summary>Reads a cluster with the rights of whoever calls; everything at once, and what cannot be read is told and does not stop the rest.</summary>
/// <param name="reader">The API server.</param>
/// <param name="systemNamespace">The namespace of our programs.</param>
/// <param name="configMap">The name of the ConfigMap.</param>
internal sealed class ClusterReader(ApiReader reader, string systemNamespace, string configMap)
{
    private const int ControllerPort = 7472;
    private const int SpeakerPort = 7473;

    // A pod whose node is gone answers nothing; the others are shown meanwhile.
    private static readonly TimeSpan PodPatience = TimeSpan.FromSeconds(3);

    private readonly List<Unread> unread = [];

    /// <summary>Reads.</summary>
    /// <param name="parts">What.</param>
    /// <param name="addresses">The addresses to ask the speakers about, each alone; none for what they tell of themselves.</param>
    /// <param name="stop">Gives up.</param>
    public async Task<ClusterView> ReadAsync(Parts parts, IReadOnlyList<string> addresses, CancellationToken stop)
    {
        var services = List(parts, Parts.Services, "the Services", ResourceKinds.Services, ResourceSelection.All, stop);
        var nodes = List(parts, Parts.Nodes, "the Nodes", ResourceKinds.Nodes, ResourceSelection.All, stop);
        var namespaces = List(parts, Parts.Namespaces, "the namespaces", ResourceKinds.Namespaces, ResourceSelection.All, stop);
        var leases = List(parts, Parts.Leases, "the speakers' Leases", ResourceKinds.Leases,
            new ResourceSelection { Namespace = systemNamespace, LabelSelector = NodeLease.LabelSelector }, stop);
        var configs = List(parts, Parts.Config, $"the ConfigMap {systemNamespace}/{configMap}", ResourceKinds.ConfigMaps,
            ResourceSelection.One(new ObjectKey(systemNamespace, configMap)), stop);
        var controllers = AskAll(parts, "controller", ControllerPort, [""], StatusJson.ReadController, static (_, status) => status, stop);
        var speakers = AskAll(parts, "speaker", SpeakerPort, addresses.Count == 0 ? [""] : [.. addresses.Select(static address => $"?address={Uri.EscapeDataString(address)}")],
            StatusJson.ReadSpeaker, Join, stop);
        var view = new ClusterView
        {
            SystemNamespace = systemNamespace,
            Services = await services.ConfigureAwait(false),
            Nodes = await nodes.ConfigureAwait(false),
            Namespaces = await namespaces.ConfigureAwait(false),
            Leases = await leases.ConfigureAwait(false),
            ConfigText = (await configs.ConfigureAwait(false) is [var found, ..] ? found : null)?.Data.GetValueOrDefault(PoolConfigSource.DataKey),
            Controllers = await controllers.ConfigureAwait(false),
            Speakers = await speakers.ConfigureAwait(false),
        };
        lock (unread)
        {
            return view with { Unread = [.. unread.DistinctBy(static entry => entry.What)] };
        }
    }

    // Each address is asked for alone; what is told of the speaker itself is the same in each answer.
    private static SpeakerStatus Join(SpeakerStatus first, SpeakerStatus next) => first with
    {
        Addresses = [.. first.Addresses, .. next.Addresses],
        Candidates = [.. first.Candidates ?? [], .. next.Candidates ?? []],
    };

    private async Task<IReadOnlyList<T>?> List<T>(
        Parts parts, Parts part, string what, ResourceKind<T> kind, ResourceSelection selection, CancellationToken stop)
        where T : class, IResource
    {
        if (!parts.HasFlag(part))
        {
            return null;
        }

        try
        {
            return await reader.ListAsync(kind, selection, stop).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or InvalidDataException)
        {
            Note(what, e);
            return null;
        }
    }

    /// <summary>The pods of one of our programs.</summary>
    /// <param name="space">The programs' namespace.</param>
    /// <param name="component"><c>controller</c> or <c>speaker</c>.</param>
    public static ResourceSelection PodsOf(string space, string component) => new()
    {
        Namespace = space,
        LabelSelector = $"app.kubernetes.io/name=loadbalancer,app.kubernetes.io/component={component}",
    };

    private async Task<IReadOnlyList<Told<T>>?> AskAll<T>(
        Parts parts, string component, int port, IReadOnlyList<string> queries, Func<ReadOnlySpan<byte>, T> read, Func<T, T, T> join, CancellationToken stop)
        where T : class
    {
        if (!parts.HasFlag(Parts.Programs))
        {
            return null;
        }

        try
        {
            var pods = await reader.ListAsync(ResourceKinds.Pods, PodsOf(systemNamespace, component), stop).ConfigureAwait(false);
            return await Task.WhenAll(pods.OrderBy(static pod => pod.Key.Name, StringComparer.Ordinal).Select(pod => Ask(pod.Key, port, queries, read, join, stop))).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or InvalidDataException)
        {
            Note($"the pods of {systemNamespace}", e);
            return null;
        }
    }

    private async Task<Told<T>> Ask<T>(
        ObjectKey pod, int port, IReadOnlyList<string> queries, Func<ReadOnlySpan<byte>, T> read, Func<T, T, T> join, CancellationToken stop)
        where T : class
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(PodPatience);
        try
        {
            T? all = null;
            foreach (var query in queries)
            {
                var one = read(await reader.GetFromPodAsync(pod, port, "status" + query, patience.Token).ConfigureAwait(false));
                all = all is null ? one : join(all, one);
            }

            return new Told<T>(pod.Name, all, null);
        }
        catch (ApiException e) when (e.StatusCode == HttpStatusCode.Forbidden)
        {
            // With --secure-metrics they tell on loopback only, and the reader went by port-forward.
            Note(e.Message.Contains("/portforward", StringComparison.Ordinal)
                ? $"the programs' /status (get and create pods/portforward in {systemNamespace}, since they run with --secure-metrics)"
                : $"the programs' /status (get pods/proxy in {systemNamespace})", e);
            return new Told<T>(pod.Name, null, "no right to ask it");
        }
        catch (Exception e) when (e is HttpRequestException or JsonException)
        {
            return new Told<T>(pod.Name, null, e.Message);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new Told<T>(pod.Name, null, $"no answer within {PodPatience.TotalSeconds:0} s");
        }
    }

    private void Note(string what, Exception e)
    {
        lock (unread)
        {
            unread.Add(new Unread(what, e.Message, e is ApiException { StatusCode: HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized }));
        }
    }
}
