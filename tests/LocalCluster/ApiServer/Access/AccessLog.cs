using System.Collections.Concurrent;

namespace LoadBalancer.LocalCluster.ApiServer.Access;

/// <summary>One kind of request that was made: what RBAC is asked.</summary>
/// <param name="User">The user's name, <c>system:serviceaccount:ns:name</c> for service accounts.</param>
/// <param name="Verb">The API verb.</param>
/// <param name="ApiGroup">The API group, empty for core.</param>
/// <param name="Resource">The resource; the path for requests that name none.</param>
/// <param name="Subresource">The subresource, or empty.</param>
/// <param name="Namespace">The namespace, or empty.</param>
/// <param name="Name">The object's name, or empty.</param>
/// <param name="Allowed">Whether it was let through.</param>
public readonly record struct AccessRecord(
    string User, string Verb, string ApiGroup, string Resource, string Subresource, string Namespace, string Name, bool Allowed);

/// <summary>Which requests were made, each once with its count: tests hold it against what the manifests grant.</summary>
public sealed class AccessLog
{
    private readonly ConcurrentDictionary<AccessRecord, long> _counts = new();

    /// <summary>What was asked for so far, and how often.</summary>
    public IReadOnlyDictionary<AccessRecord, long> Records => new Dictionary<AccessRecord, long>(_counts);

    public void Add(AccessRecord record) => _counts.AddOrUpdate(record, 1, static (_, n) => n + 1);

    public void Clear() => _counts.Clear();
}
