using System.Runtime.InteropServices;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>The EndpointSlices by the Service they belong to, as far as they were looked at. One thread at a time.</summary>
/// <param name="slices">All EndpointSlices.</param>
internal sealed class SlicesByService(IStore<EndpointSliceResource> slices)
{
    private readonly Dictionary<ObjectKey, ObjectKey> services = [];
    private readonly Dictionary<ObjectKey, EndpointSliceResource[]> all = [];

    /// <summary>The slices of a Service.</summary>
    public ReadOnlySpan<EndpointSliceResource> Of(ObjectKey service) => all.GetValueOrDefault(service);

    /// <summary>Looks at a slice again.</summary>
    /// <param name="slice">The slice.</param>
    /// <param name="concerned">Receives the Services it is, and was, of.</param>
    public void Look(ObjectKey slice, ISet<ObjectKey> concerned)
    {
        if (services.Remove(slice, out var before))
        {
            concerned.Add(before);
            Remove(before, slice);
        }

        if (slices.Get(slice) is { } found)
        {
            Add(found);
            concerned.Add(ServiceOf(found));
        }
    }

    /// <summary>Looks at all of them again.</summary>
    public void LookAtAll()
    {
        services.Clear();
        all.Clear();
        foreach (var slice in slices.All())
        {
            Add(slice);
        }
    }

    /// <summary>The Service that a slice belongs to.</summary>
    public static ObjectKey ServiceOf(EndpointSliceResource slice) => new(slice.Key.Namespace, slice.ServiceName);

    private void Add(EndpointSliceResource slice)
    {
        var service = ServiceOf(slice);
        services.Add(slice.Key, service);
        ref var its = ref CollectionsMarshal.GetValueRefOrAddDefault(all, service, out _);
        its = its is null ? [slice] : [.. its, slice];
    }

    private void Remove(ObjectKey service, ObjectKey slice)
    {
        var left = Array.FindAll(all[service], other => other.Key != slice);
        if (left.Length == 0)
        {
            all.Remove(service);
        }
        else
        {
            all[service] = left;
        }
    }
}
