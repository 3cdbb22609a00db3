using System.Text.Json;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>Of <c>v1 Service</c> what a speaker keeps.</summary>
internal static class AnnouncedServiceJson
{
    internal static AnnouncedService Read(ref Utf8JsonReader reader, StringPool strings)
    {
        var meta = new ObjectMeta();
        (bool IsLoadBalancer, string? Class, bool IsLocal) spec = default;
        IReadOnlyList<IngressPoint> ingress = [];
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                meta = ObjectMeta.Read(ref reader, strings, MetaFilter.NameOnly);
            }
            else if (reader.ValueTextEquals("spec"u8))
            {
                spec = ReadSpec(ref reader, strings);
            }
            else if (reader.ValueTextEquals("status"u8))
            {
                ingress = ServiceJson.ReadStatus(ref reader, strings);
            }
            else
            {
                reader.Skip();
            }
        }

        return new AnnouncedService
        {
            Key = meta.Key,
            Uid = meta.Uid,
            ResourceVersion = meta.ResourceVersion,
            Created = meta.Created,
            IsLoadBalancer = spec.IsLoadBalancer,
            LoadBalancerClass = spec.Class,
            IsLocal = spec.IsLocal,
            Addresses = AddressesOf(ingress),
        };
    }

    private static (bool IsLoadBalancer, string? Class, bool IsLocal) ReadSpec(ref Utf8JsonReader reader, StringPool strings)
    {
        (bool IsLoadBalancer, string? Class, bool IsLocal) spec = default;
        if (!reader.EnterObject())
        {
            return spec;
        }

        while (reader.NextField())
        {
            if (reader.ValueTextEquals("type"u8))
            {
                spec.IsLoadBalancer = reader.ReadText(strings) == "LoadBalancer";
            }
            else if (reader.ValueTextEquals("loadBalancerClass"u8))
            {
                spec.Class = reader.ReadTextOrNull() is { } text ? strings.Get(text) : null;
            }
            else if (reader.ValueTextEquals("externalTrafficPolicy"u8))
            {
                spec.IsLocal = reader.ReadText(strings) == "Local";
            }
            else
            {
                reader.Skip();
            }
        }

        return spec;
    }

    private static IpAddress[] AddressesOf(IReadOnlyList<IngressPoint> ingress)
    {
        var addresses = new List<IpAddress>(ingress.Count);
        foreach (var point in ingress)
        {
            if (IpAddress.TryParse(point.Ip, out var address))
            {
                addresses.Add(address);
            }
        }

        return addresses.Count == 0 ? [] : addresses.ToArray();
    }
}
