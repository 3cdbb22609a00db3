using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

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

    /// <summary>The requests as kube-apiserver's metric <c>apiserver_request_total</c>, in the Prometheus text format.</summary>
    public string ToMetrics()
    {
        var text = new StringBuilder("# TYPE apiserver_request_total counter\n");
        foreach (var group in _counts.GroupBy(pair => (pair.Key.Verb, pair.Key.ApiGroup, pair.Key.Resource, pair.Key.Subresource, pair.Key.Allowed)))
        {
            var (verb, apiGroup, resource, subresource, allowed) = group.Key;
            text.Append(CultureInfo.InvariantCulture,
                $"apiserver_request_total{{verb=\"{verb.ToUpperInvariant()}\",group=\"{apiGroup}\",resource=\"{resource}\",subresource=\"{subresource}\",code=\"{(allowed ? 200 : 403)}\"}} {group.Sum(pair => pair.Value)}\n");
        }

        return text.ToString();
    }
}
