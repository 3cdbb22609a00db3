using System.Net;
using System.Text.Json;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Status;

/// <summary>Edge to the API server: reads the pods of a node and marks them not ready, as the node controller does for a node that it has given up.</summary>
public interface IPodStatusWriter
{
    /// <summary>The pods of a node.</summary>
    /// <exception cref="HttpRequestException">The server refused or could not be reached.</exception>
    Task<IReadOnlyList<PodResource>> ListPodsAsync(string node, CancellationToken stop);

    /// <summary>All EndpointSlices of some namespaces with the pods behind them.</summary>
    /// <exception cref="HttpRequestException">The server refused or could not be reached.</exception>
    Task<IReadOnlyList<PodEndpointsResource>> ListEndpointsAsync(IReadOnlyCollection<string> namespaces, CancellationToken stop);

    /// <summary>
    /// Says of some endpoints of a slice that they are not ready, all by one write: the service proxies follow a slice's first change at
    /// once, and what comes a moment later only after their minimum period.
    /// </summary>
    /// <param name="slice">The slice as it was listed.</param>
    /// <param name="endpoints">Which of its endpoints, by their index; the server refuses it all if another pod is at one of the places by now.</param>
    /// <param name="stop">Cancels it.</param>
    /// <returns>Conflict if the slice has changed there, Gone if there is none.</returns>
    /// <exception cref="HttpRequestException">The server refused or could not be reached after retries.</exception>
    Task<StatusWriteResult> MarkNotReadyAsync(PodEndpointsResource slice, IReadOnlyList<int> endpoints, CancellationToken stop);

    /// <summary>
    /// Sets the condition Ready of a pod to False, by a strategic merge patch of the status subresource: its other conditions stay.
    /// </summary>
    /// <param name="pod">Namespace and name.</param>
    /// <param name="uid">Its uid; the server refuses (409) another pod of the same name.</param>
    /// <param name="message">Who saw what.</param>
    /// <param name="stop">Cancels it.</param>
    /// <returns>Conflict for another pod of that name, Gone if there is none.</returns>
    /// <exception cref="HttpRequestException">The server refused or could not be reached after retries.</exception>
    Task<StatusWriteResult> MarkNotReadyAsync(ObjectKey pod, string uid, string message, CancellationToken stop);
}

/// <summary>Reads and marks pods at the API server.</summary>
/// <param name="api">The API server.</param>
/// <param name="time">The clock of timeouts and of <c>lastTransitionTime</c>.</param>
public sealed class PodStatusWriter(ApiClient api, TimeProvider time) : IPodStatusWriter
{
    /// <summary>The reason of the condition Ready.</summary>
    public const string Reason = "NodeLost";

    // As the last list found it.
    private volatile string endpointsVersion = ResourceKinds.PodEndpoints.Versions[0];

    /// <inheritdoc/>
    public async Task<IReadOnlyList<PodResource>> ListPodsAsync(string node, CancellationToken stop) =>
        await ListAsync(ResourceKinds.Pods, new ResourceSelection { FieldSelector = $"spec.nodeName={node}" }, stop).ConfigureAwait(false);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<PodEndpointsResource>> ListEndpointsAsync(IReadOnlyCollection<string> namespaces, CancellationToken stop)
    {
        if (namespaces.Count == 0)
        {
            return [];
        }

        // A node's pods are of a few namespaces; the slices of all would be the whole cluster's, page after page.
        var kind = ResourceKinds.PodEndpoints;
        var version = await api.FindVersionAsync(kind.Resource.Group, kind.Versions, stop).ConfigureAwait(false);
        endpointsVersion = version;
        var lists = await Task.WhenAll(namespaces.Select(name => ListAsync(kind, new ResourceSelection { Namespace = name }, stop, version))).ConfigureAwait(false);
        return [.. lists.SelectMany(static list => list)];
    }

    /// <inheritdoc/>
    public async Task<StatusWriteResult> MarkNotReadyAsync(ObjectKey pod, string uid, string message, CancellationToken stop)
    {
        var request = ApiRequest.For(ApiResource.PodStatus, "v1", ApiVerb.Patch, pod) with
        {
            PatchType = ApiRequest.StrategicMergePatch,
            Body = Patch(uid, message, time.GetUtcNow()),
        };
        return await SendAsync(request, stop).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task<StatusWriteResult> MarkNotReadyAsync(PodEndpointsResource slice, IReadOnlyList<int> endpoints, CancellationToken stop) =>
        SendAsync(ApiRequest.For(ApiResource.EndpointSlices, endpointsVersion, ApiVerb.Patch, slice.Key) with
        {
            PatchType = ApiRequest.JsonPatch,
            Body = Patch(slice, endpoints),
        }, stop);

    private async Task<StatusWriteResult> SendAsync(ApiRequest request, CancellationToken stop)
    {
        try
        {
            return await api.SendAsync(request, static _ => StatusWriteResult.Written, stop).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.UnprocessableEntity)
        {
            return StatusWriteResult.Conflict;
        }
        catch (ApiException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return StatusWriteResult.Gone;
        }
    }

    internal static ReadOnlyMemory<byte> Patch(string uid, string message, DateTimeOffset now) => JsonBody.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartObject("metadata");
        writer.WriteString("uid", uid);
        writer.WriteEndObject();
        writer.WriteStartObject("status");
        writer.WriteStartArray("conditions");
        writer.WriteStartObject();
        writer.WriteString("type", "Ready");
        writer.WriteString("status", "False");
        writer.WriteTime("lastTransitionTime", now);
        writer.WriteString("reason", Reason);
        writer.WriteString("message", message);
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    });

    private static ReadOnlyMemory<byte> Patch(PodEndpointsResource slice, IReadOnlyList<int> endpoints) => JsonBody.Write(writer =>
    {
        writer.WriteStartArray();
        foreach (var index in endpoints)
        {
            Operation(writer, "test", $"/endpoints/{index}/targetRef/uid");
            writer.WriteString("value", slice.Endpoints[index].PodUid);
            writer.WriteEndObject();
            Operation(writer, "add", $"/endpoints/{index}/conditions");
            writer.WriteStartObject("value");
            writer.WriteBoolean("ready", false);
            writer.WriteBoolean("serving", false);
            writer.WriteBoolean("terminating", false);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();

        static void Operation(Utf8JsonWriter writer, string name, string path)
        {
            writer.WriteStartObject();
            writer.WriteString("op", name);
            writer.WriteString("path", path);
        }
    });

    private async Task<IReadOnlyList<T>> ListAsync<T>(ResourceKind<T> kind, ResourceSelection selection, CancellationToken stop, string? version = null)
        where T : class, IResource =>
        (await new ApiResourceSource<T>(api, kind, selection, time, version).ListAsync(stop).ConfigureAwait(false)).Items;
}
