using System.Text.Json;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary><c>v1 Service</c>.</summary>
internal static class ServiceJson
{
    internal static ServiceResource Read(ref Utf8JsonReader reader, StringPool strings)
    {
        var meta = new ObjectMeta();
        var spec = new ServiceResource { Key = default };
        IReadOnlyList<IngressPoint> ingress = [];
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                meta = ObjectMeta.Read(ref reader, strings, MetaFilter.Service);
            }
            else if (reader.ValueTextEquals("spec"u8))
            {
                spec = ReadSpec(ref reader, strings);
            }
            else if (reader.ValueTextEquals("status"u8))
            {
                ingress = ReadStatus(ref reader, strings);
            }
            else
            {
                reader.Skip();
            }
        }

        return spec with
        {
            Key = meta.Key,
            Uid = meta.Uid,
            ResourceVersion = meta.ResourceVersion,
            Created = meta.Created,
            Deleting = meta.Deleting,
            Labels = meta.Labels,
            Annotations = meta.Annotations,
            StatusManager = meta.StatusManager,
            Ingress = ingress,
        };
    }

    private static ServiceResource ReadSpec(ref Utf8JsonReader reader, StringPool strings)
    {
        string type = "", clusterIP = "", familyPolicy = "", loadBalancerIP = "", trafficPolicy = "";
        string? loadBalancerClass = null;
        IReadOnlyList<string> clusterIPs = [];
        IReadOnlyList<IpFamily> families = [];
        IReadOnlyList<ServicePort> ports = [];
        var selector = EmptyMap;
        if (reader.EnterObject())
        {
            while (reader.NextField())
            {
                if (reader.ValueTextEquals("type"u8))
                {
                    type = reader.ReadText(strings);
                }
                else if (reader.ValueTextEquals("clusterIP"u8))
                {
                    clusterIP = reader.ReadText();
                }
                else if (reader.ValueTextEquals("clusterIPs"u8))
                {
                    clusterIPs = reader.ReadTexts();
                }
                else if (reader.ValueTextEquals("ipFamilies"u8))
                {
                    families = ReadFamilies(ref reader, strings);
                }
                else if (reader.ValueTextEquals("ipFamilyPolicy"u8))
                {
                    familyPolicy = reader.ReadText(strings);
                }
                else if (reader.ValueTextEquals("loadBalancerIP"u8))
                {
                    loadBalancerIP = reader.ReadText();
                }
                else if (reader.ValueTextEquals("loadBalancerClass"u8))
                {
                    loadBalancerClass = reader.ReadTextOrNull();
                }
                else if (reader.ValueTextEquals("externalTrafficPolicy"u8))
                {
                    trafficPolicy = reader.ReadText(strings);
                }
                else if (reader.ValueTextEquals("selector"u8))
                {
                    selector = StringMap.Read(ref reader, strings);
                }
                else if (reader.ValueTextEquals("ports"u8))
                {
                    ports = ReadPorts(ref reader, strings);
                }
                else
                {
                    reader.Skip();
                }
            }
        }

        return new ServiceResource
        {
            Key = default,
            Type = type,
            ClusterIPs = clusterIPs.Count > 0 || clusterIP.Length == 0 ? clusterIPs : [clusterIP],
            IpFamilies = families,
            IpFamilyPolicy = familyPolicy,
            LoadBalancerIP = loadBalancerIP,
            LoadBalancerClass = loadBalancerClass,
            ExternalTrafficPolicy = trafficPolicy,
            Selector = selector,
            Ports = ports,
        };
    }

    private static IReadOnlyDictionary<string, string> EmptyMap =>
        System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;

    private static readonly IpFamily[] OnlyIPv4 = [IpFamily.IPv4];

    private static IpFamily[] ReadFamilies(ref Utf8JsonReader reader, StringPool strings)
    {
        var families = new List<IpFamily>(2);
        foreach (var name in reader.ReadTexts(strings))
        {
            if (name is "IPv4" or "IPv6")
            {
                families.Add(name == "IPv4" ? IpFamily.IPv4 : IpFamily.IPv6);
            }
        }

        return families switch
        {
            [] => [],
            [IpFamily.IPv4] => OnlyIPv4,
            _ => families.ToArray(),
        };
    }

    private static ServicePort[] ReadPorts(ref Utf8JsonReader reader, StringPool strings)
    {
        var ports = new List<ServicePort>(2);
        if (!reader.EnterArray())
        {
            return [];
        }

        while (reader.NextElement())
        {
            // A port without a protocol is a TCP port (v1 ServicePort).
            var protocol = "TCP";
            var port = 0;
            _ = reader.IsObject();
            while (reader.NextField())
            {
                if (reader.ValueTextEquals("protocol"u8))
                {
                    protocol = reader.ReadText(strings);
                }
                else if (reader.ValueTextEquals("port"u8))
                {
                    port = reader.ReadNumber();
                }
                else
                {
                    reader.Skip();
                }
            }

            ports.Add(new ServicePort(protocol.Length == 0 ? "TCP" : protocol, port));
        }

        return ports.ToArray();
    }

    internal static IReadOnlyList<IngressPoint> ReadStatus(ref Utf8JsonReader reader, StringPool strings)
    {
        IReadOnlyList<IngressPoint> ingress = [];
        if (!reader.EnterObject())
        {
            return ingress;
        }

        while (reader.NextField())
        {
            if (reader.ValueTextEquals("loadBalancer"u8) && reader.EnterObject())
            {
                while (reader.NextField())
                {
                    if (reader.ValueTextEquals("ingress"u8))
                    {
                        ingress = ReadIngress(ref reader, strings);
                    }
                    else
                    {
                        reader.Skip();
                    }
                }
            }
            else
            {
                reader.Skip();
            }
        }

        return ingress;
    }

    private static IngressPoint[] ReadIngress(ref Utf8JsonReader reader, StringPool strings)
    {
        var points = new List<IngressPoint>(2);
        if (!reader.EnterArray())
        {
            return [];
        }

        while (reader.NextElement())
        {
            string ip = "", hostname = "", ipMode = "";
            _ = reader.IsObject();
            while (reader.NextField())
            {
                if (reader.ValueTextEquals("ip"u8))
                {
                    ip = reader.ReadText();
                }
                else if (reader.ValueTextEquals("hostname"u8))
                {
                    hostname = reader.ReadText();
                }
                else if (reader.ValueTextEquals("ipMode"u8))
                {
                    ipMode = reader.ReadText(strings);
                }
                else
                {
                    reader.Skip();
                }
            }

            points.Add(new IngressPoint(ip, hostname, ipMode));
        }

        return points.Count == 0 ? [] : points.ToArray();
    }
}
