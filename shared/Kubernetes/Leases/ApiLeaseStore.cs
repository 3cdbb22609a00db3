using System.Net;
using System.Text.Json;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.ListWatch.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Leases;

/// <summary>
/// Leases at the API server. Each call is tried once with a short timeout: those who hold a Lease have a deadline of their own and try
/// again themselves, and a retry hidden below them would spend it.
/// </summary>
/// <param name="api">The API server.</param>
public sealed class ApiLeaseStore(ApiClient api) : ILeaseStore
{
    /// <summary>How long one call may take.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    /// <exception cref="HttpRequestException">The server refused or could not be reached.</exception>
    public async Task<LeaseResource?> GetAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        try
        {
            return await SendAsync(ApiRequest.For(ApiResource.Leases, "v1", ApiVerb.Get, key), cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="HttpRequestException">The server refused or could not be reached.</exception>
    public async Task<LeaseResource?> CreateAsync(LeaseResource lease, CancellationToken cancellationToken)
    {
        var request = new ApiRequest(ApiResource.Leases, "v1", ApiVerb.Create)
        {
            Namespace = lease.Key.Namespace,
            Body = LeaseJson.Write(lease with { ResourceVersion = "" }),
        };
        try
        {
            return await SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.StatusCode == HttpStatusCode.Conflict)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="HttpRequestException">The server refused or could not be reached.</exception>
    public async Task<LeaseResource?> UpdateAsync(LeaseResource lease, CancellationToken cancellationToken)
    {
        if (lease.ResourceVersion.Length == 0)
        {
            throw new ArgumentException($"Lease {lease.Key} has no resourceVersion; an update without it would overwrite blindly.", nameof(lease));
        }

        var request = ApiRequest.For(ApiResource.Leases, "v1", ApiVerb.Update, lease.Key) with { Body = LeaseJson.Write(lease) };
        try
        {
            return await SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    private Task<LeaseResource> SendAsync(ApiRequest request, CancellationToken cancellationToken) =>
        api.SendOnceAsync(request, Timeout, Read, cancellationToken);

    private static LeaseResource Read(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body);
        return reader.EnterObject() ? LeaseJson.Read(ref reader, new StringPool()) : throw new JsonException("the Lease is null");
    }
}
