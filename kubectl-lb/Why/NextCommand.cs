using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Kubectl.Why;

/// <summary>The command that comes next for each reason the programs know.</summary>
internal static class NextCommand
{
    /// <summary>For a Service that does not have the address it asks for.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="id">The Service.</param>
    /// <param name="systemNamespace">The namespace of our programs.</param>
    public static string For(AllocationReason reason, ServiceId id, string systemNamespace) => reason switch
    {
        AllocationReason.NotLoadBalancer => $"kubectl -n {id.Namespace} patch service {id.Name} -p '{{\"spec\":{{\"type\":\"LoadBalancer\"}}}}'",
        AllocationReason.ForeignClass => $"kubectl -n {id.Namespace} get service {id.Name} -o jsonpath='{{.spec.loadBalancerClass}}'",
        AllocationReason.NoClusterIP => $"kubectl -n {id.Namespace} get service {id.Name} -o jsonpath='{{.spec.clusterIP}}'",
        AllocationReason.BeingDeleted => $"kubectl -n {id.Namespace} get service {id.Name} -o jsonpath='{{.metadata.finalizers}}'",
        AllocationReason.RequestedTwice or AllocationReason.RequestNotAnAddress or AllocationReason.RequestedTooMany
            or AllocationReason.RequestFamilyMismatch or AllocationReason.AddressContradictsPool or AllocationReason.NotDualStack =>
            $"kubectl -n {id.Namespace} edit service {id.Name}",
        AllocationReason.AddressOutsidePools or AllocationReason.AddressAvoided or AllocationReason.PoolUnknown or AllocationReason.PoolNotForService
            or AllocationReason.NoConfiguration or AllocationReason.NoPools or AllocationReason.NoPoolForService or AllocationReason.NoPoolOfFamily =>
            $"kubectl -n {systemNamespace} edit configmap config",
        AllocationReason.NoFreeAddress or AllocationReason.SecondFamilyUnavailable or AllocationReason.AddressExcluded => "kubectl lb status",
        AllocationReason.AddressInUse or AllocationReason.SharingKeyDiffers or AllocationReason.SharingBackendDiffers
            or AllocationReason.SharedWithOtherPods or AllocationReason.SharingPortTaken =>
            "kubectl get services -A -o custom-columns='NAMESPACE:.metadata.namespace,NAME:.metadata.name,ADDRESS:.status.loadBalancer.ingress[*].ip,KEY:.metadata.annotations.metallb\\.io/allow-shared-ip'",
        AllocationReason.AddressRequested or AllocationReason.PoolRequested or AllocationReason.FamiliesChanged => $"kubectl -n {id.Namespace} describe service {id.Name}",
        AllocationReason.StatusAltered => $"kubectl -n {id.Namespace} get service {id.Name} -o yaml --show-managed-fields",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "no command is known for it"),
    };

    /// <summary>For an address that nobody may own, by the reason that keeps most nodes from it.</summary>
    public static string For(Ineligible why, string node, ServiceId id, string systemNamespace) => why switch
    {
        Ineligible.None => "kubectl lb status",
        Ineligible.SpeakerNotReady => $"kubectl -n {systemNamespace} logs -l app.kubernetes.io/component=speaker --tail 50",
        Ineligible.Leaving => $"kubectl -n {systemNamespace} get pods -l app.kubernetes.io/component=speaker -o wide",
        Ineligible.CannotHear => $"kubectl debug node/{node} -it --image=busybox -- ip -s link",
        Ineligible.NodeExcluded => $"kubectl label node {node} {IneligibleText.ExcludeLabel}-",
        Ineligible.NetworkUnavailable => $"kubectl describe node {node}",
        Ineligible.NodeSelector or Ineligible.Interface or Ineligible.OtherSubnet => $"kubectl -n {systemNamespace} edit configmap config",
        Ineligible.NoLocalEndpoint => Endpoints(id),
        _ => throw new ArgumentOutOfRangeException(nameof(why), why, "no command is known for it"),
    };

    /// <summary>What stands behind a Service.</summary>
    public static string Endpoints(ServiceId id) => $"kubectl -n {id.Namespace} get endpointslices -l kubernetes.io/service-name={id.Name}";
}
