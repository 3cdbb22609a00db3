using System.Net;
using System.Text.Json;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Status;

/// <summary>Writes the status of Services to the API server.</summary>
public sealed class ServiceStatusWriter(ApiClient api) : IStatusWriter
{
    /// <inheritdoc/>
    public async Task<StatusWriteResult> WriteAsync(
        ServiceResource service, IReadOnlyList<IpAddress> addresses, CancellationToken cancellationToken)
    {
        var request = ApiRequest.For(ApiResource.ServiceStatus, "v1", ApiVerb.Patch, service.Key) with { Body = Patch(service, addresses) };
        try
        {
            return await api.SendAsync(request, static _ => StatusWriteResult.Written, cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.StatusCode == HttpStatusCode.Conflict)
        {
            return StatusWriteResult.Conflict;
        }
        catch (ApiException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return StatusWriteResult.Gone;
        }
    }

    /// <summary>
    /// The merge patch. resourceVersion and uid make the server refuse it (409) if the Service has changed or is another of the same
    /// name; the list replaces the old one whole (RFC 7396), null removes it.
    /// </summary>
    internal static ReadOnlyMemory<byte> Patch(ServiceResource service, IReadOnlyList<IpAddress> addresses) => JsonBody.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartObject("metadata");
        writer.WriteString("resourceVersion", service.ResourceVersion);
        if (service.Uid.Length > 0)
        {
            writer.WriteString("uid", service.Uid);
        }

        writer.WriteEndObject();
        writer.WriteStartObject("status");
        writer.WriteStartObject("loadBalancer");
        if (addresses.Count == 0)
        {
            writer.WriteNull("ingress");
        }
        else
        {
            WriteIngress(writer, addresses);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    });

    private static void WriteIngress(Utf8JsonWriter writer, IReadOnlyList<IpAddress> addresses)
    {
        writer.WriteStartArray("ingress");
        foreach (var address in addresses)
        {
            writer.WriteStartObject();
            writer.WriteString("ip", address.ToString());

            // Since Kubernetes 1.29; older servers drop it.
            writer.WriteString("ipMode", "VIP");
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
