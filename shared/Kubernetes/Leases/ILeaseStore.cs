using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Leases;

/// <summary>Edge to the API server: reads and writes one <c>coordination.k8s.io/v1 Lease</c>.</summary>
public interface ILeaseStore
{
    /// <summary>The Lease, or null if there is none.</summary>
    Task<LeaseResource?> GetAsync(ObjectKey key, CancellationToken cancellationToken);

    /// <summary>Creates the Lease. Null if another was quicker (HTTP 409).</summary>
    Task<LeaseResource?> CreateAsync(LeaseResource lease, CancellationToken cancellationToken);

    /// <summary>Replaces the Lease, guarded by its resourceVersion. Null if it has changed meanwhile (HTTP 409) or is gone.</summary>
    Task<LeaseResource?> UpdateAsync(LeaseResource lease, CancellationToken cancellationToken);
}
