using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Status;

/// <summary>What became of a status write.</summary>
public enum StatusWriteResult
{
    /// <summary>The server has it.</summary>
    Written,

    /// <summary>The object has changed since it was read (HTTP 409): read again, decide again, keep the address.</summary>
    Conflict,

    /// <summary>The Service is gone (HTTP 404).</summary>
    Gone,
}

/// <summary>Edge to the API server: sets the addresses in a Service's status.</summary>
public interface IStatusWriter
{
    /// <summary>
    /// Replaces <c>status.loadBalancer.ingress</c> by a merge patch of the status subresource, guarded by the resourceVersion the
    /// Service was read with, <c>ipMode: VIP</c> set. No address clears it.
    /// </summary>
    /// <exception cref="HttpRequestException">The server refused or could not be reached after retries.</exception>
    Task<StatusWriteResult> WriteAsync(ServiceResource service, IReadOnlyList<IpAddress> addresses, CancellationToken cancellationToken);
}
