using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Facts;

/// <summary>From the Service as the API server has it to the facts the planner decides on. Pure.</summary>
public static class ServiceFactsReader
{
    /// <summary>Reads the facts.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="namespaceLabels">The labels of its namespace.</param>
    /// <param name="servedClass">The class served here, or null for Services without one.</param>
    public static ServiceFacts Read(ServiceResource service, IReadOnlyDictionary<string, string> namespaceLabels, string? servedClass)
    {
        var families = FamiliesOf(service);
        return new ServiceFacts
        {
            Id = new ServiceId(service.Key.Namespace, service.Key.Name),
            Created = service.Created,
            Eligibility = EligibilityOf(service, servedClass),
            Families = families,
            FamilyPolicy = PolicyOf(service, families),
            Request = RequestOf(service),
            Sharing = SharingOf(service),
            Labels = service.Labels,
            NamespaceLabels = namespaceLabels,
            Status = service.Ingress.Count == 0 ? [] : [.. service.Ingress.Select(point => new StatusEntry(point.Ip, point.Hostname))],
        };
    }

    private static Eligibility EligibilityOf(ServiceResource service, string? servedClass)
    {
        if (service.Type != "LoadBalancer")
        {
            return Eligibility.NotLoadBalancer;
        }

        if ((service.LoadBalancerClass ?? "") != (servedClass ?? ""))
        {
            return Eligibility.ForeignClass;
        }

        return service.ClusterIPs.Count == 0 || service.ClusterIPs[0] is "" or "None" ? Eligibility.NoClusterIP
            : service.Deleting ? Eligibility.BeingDeleted
            : Eligibility.Eligible;
    }

    private static IReadOnlyList<IpFamily> FamiliesOf(ServiceResource service)
    {
        if (service.IpFamilies.Count > 0)
        {
            return service.IpFamilies;
        }

        // Servers older than dual stack have no spec.ipFamilies; the cluster IPs say the same.
        var families = new List<IpFamily>(2);
        foreach (var text in service.ClusterIPs)
        {
            if (IpAddress.TryParse(text, out var address) && !families.Contains(address.Family))
            {
                families.Add(address.Family);
            }
        }

        return families.Count > 0 ? families : [IpFamily.IPv4];
    }

    private static FamilyPolicy PolicyOf(ServiceResource service, IReadOnlyList<IpFamily> families) => service.IpFamilyPolicy switch
    {
        "PreferDualStack" => FamilyPolicy.PreferDualStack,
        "RequireDualStack" => FamilyPolicy.RequireDualStack,
        "" when families.Count > 1 => FamilyPolicy.RequireDualStack,
        _ => FamilyPolicy.SingleStack,
    };

    private static AddressRequest RequestOf(ServiceResource service)
    {
        var (addressKey, addresses) = Annotation(service, "loadBalancerIPs");
        var (poolKey, pool) = Annotation(service, "address-pool");
        return addresses.Length == 0 && pool.Length == 0 && service.LoadBalancerIP.Length == 0
            ? AddressRequest.None
            : new AddressRequest
            {
                SpecAddress = service.LoadBalancerIP.Trim(),
                AnnotationKey = addressKey,
                AnnotationAddresses = addresses,
                PoolKey = poolKey,
                Pool = pool,
            };
    }

    private static SharingTerms SharingOf(ServiceResource service) => new(
        Annotation(service, "allow-shared-ip").Value,
        service.ExternalTrafficPolicy == "Local"
            ? SharingBackend.Local(new ServiceId(service.Key.Namespace, service.Key.Name), service.Selector)
            : SharingBackend.Cluster,
        service.Ports.Count == 0 ? [] : [.. service.Ports.Select(port => new PortUse(port.Protocol, port.Port))]);

    /// <summary>The newer prefix wins as soon as its key is there, empty or not: that is how an old annotation is overruled.</summary>
    private static (string Key, string Value) Annotation(ServiceResource service, string name)
    {
        var key = $"metallb.io/{name}";
        if (service.Annotations.TryGetValue(key, out var value))
        {
            return (key, value.Trim());
        }

        var older = $"metallb.universe.tf/{name}";
        return service.Annotations.TryGetValue(older, out value) ? (older, value.Trim()) : (key, "");
    }
}
