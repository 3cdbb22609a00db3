using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Assigning;

/// <summary>What is said of another program that keeps changing a Service's status: who it is, and how it is stopped.</summary>
internal static class ContentionText
{
    // Written without a name of its own, a write bears the first part of the program's User-Agent.
    private const string OurManager = "loadbalancer-controller";

    /// <summary>It began.</summary>
    /// <param name="service">The Service as the other left it.</param>
    /// <param name="writer">The field manager that wrote, or empty.</param>
    /// <param name="wanted">What the Service is to have.</param>
    public static string Began(ServiceResource service, string writer, Assignment? wanted) =>
        $"another program keeps changing status.loadBalancer of \"{service.Key}\" to {Shown(service)}: {Who(writer)}. "
        + (wanted is null
            ? "The Service is to have no address now, so the status is cleared again"
            : $"{wanted} stays the Service's, is given to nobody else and is put into the status again")
        + $", later and later, at least every 5 minutes. {Remedy(writer)}";

    /// <summary>It is over.</summary>
    /// <param name="writer">The field manager that wrote, or empty.</param>
    /// <param name="assignment">What the Service has.</param>
    public static string Ended(string writer, Assignment assignment) =>
        $"Assigned IP {assignment}: {Who(writer)} does not change the status any more";

    private static string Shown(ServiceResource service) => service.Ingress.Count == 0
        ? "nothing"
        : $"[{string.Join(' ', service.Ingress.Take(4).Select(point => $"\"{(point.Ip.Length > 0 ? point.Ip : point.Hostname)}\""))}]"
            + (service.Ingress.Count > 4 ? $" and {service.Ingress.Count - 4} more" : "");

    private static string Who(string writer) => writer switch
    {
        "" => "it is not named in metadata.managedFields",
        OurManager => $"another installation of this load balancer (field manager \"{writer}\")",
        _ when IsK3s(writer) => $"k3s's servicelb (field manager \"{writer}\")",
        _ when IsMetalLB(writer) => $"a MetalLB, by its field manager \"{writer}\"",
        _ => $"field manager \"{writer}\"",
    };

    private static string Remedy(string writer) => writer switch
    {
        OurManager => "Remove one of the two, or give each Services of its own by --lb-class and spec.loadBalancerClass.",
        _ when IsK3s(writer) => $"Start the k3s servers with {K3s}.",
        _ when IsMetalLB(writer) => $"Stop it: {MetalLB}.",
        _ => $"Stop it (k3s: {K3s}; MetalLB: {MetalLB}), or give each Services of its own by spec.loadBalancerClass.",
    };

    private const string K3s = "--disable servicelb";
    private const string MetalLB = "kubectl -n metallb-system scale deployment controller --replicas 0";

    // k3s and RKE2 run servicelb inside their own binary; MetalLB's is called just "controller".
    private static bool IsK3s(string writer) =>
        writer.Contains("k3s", StringComparison.OrdinalIgnoreCase) || writer.Contains("rke2", StringComparison.OrdinalIgnoreCase)
        || writer.Contains("servicelb", StringComparison.OrdinalIgnoreCase);

    private static bool IsMetalLB(string writer) =>
        writer == "controller" || writer.Contains("metallb", StringComparison.OrdinalIgnoreCase);
}
