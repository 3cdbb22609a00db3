using System.Net;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Secrets;

/// <summary>The Secret whose key signs the speakers' heartbeats.</summary>
public static class HeartbeatKeySecret
{
    /// <summary>The entry of <c>data</c> with the key that signs.</summary>
    public const string DataKey = "key";

    /// <summary>The number of bytes of a key that is made here: as many as HMAC-SHA256 has output, the least RFC 2104 §3 recommends.</summary>
    public const int KeyLength = 32;

    /// <summary>
    /// Creates the Secret if there is none of this name; one that exists is never touched nor read, so that the controller needs no
    /// right to see the key.
    /// </summary>
    /// <param name="api">The API server.</param>
    /// <param name="key">Namespace and name.</param>
    /// <param name="fill">Fills the key with random bytes: <c>RandomNumberGenerator.Fill</c>.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Whether it was created now.</returns>
    /// <exception cref="HttpRequestException">The server refused or could not be reached after retries.</exception>
    public static async Task<bool> EnsureAsync(ApiClient api, ObjectKey key, Action<Span<byte>> fill, CancellationToken cancellationToken)
    {
        var request = new ApiRequest(ApiResource.Secrets, "v1", ApiVerb.Create) { Namespace = key.Namespace, Body = NewSecret(key, fill) };
        try
        {
            return await api.SendAsync(request, static _ => true, cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.StatusCode == HttpStatusCode.Conflict)
        {
            return false;
        }
    }

    private static ReadOnlyMemory<byte> NewSecret(ObjectKey key, Action<Span<byte>> fill) => JsonBody.Write(writer =>
    {
        Span<byte> bytes = stackalloc byte[KeyLength];
        fill(bytes);
        writer.WriteStartObject();
        writer.WriteString("apiVersion", "v1");
        writer.WriteString("kind", "Secret");
        writer.WriteStartObject("metadata");
        writer.WriteString("namespace", key.Namespace);
        writer.WriteString("name", key.Name);
        writer.WriteStartObject("labels");
        writer.WriteString("app.kubernetes.io/name", "loadbalancer");
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteString("type", "Opaque");
        writer.WriteStartObject("data");
        writer.WriteBase64String(DataKey, bytes);
        writer.WriteEndObject();
        writer.WriteEndObject();
    });
}
