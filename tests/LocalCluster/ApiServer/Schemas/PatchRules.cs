namespace LoadBalancer.LocalCluster.ApiServer.Schemas;

/// <summary>
/// The patch strategies of the API types (<c>x-kubernetes-patch-strategy</c> and <c>-merge-key</c> in the API server's OpenAPI
/// documents): the client's models do not carry them.
/// </summary>
public static class PatchRules
{
    private static readonly Dictionary<string, PatchRule> Rules = new(StringComparer.Ordinal)
    {
        ["ObjectMeta.finalizers"] = Merge(null),
        ["ObjectMeta.ownerReferences"] = Merge("uid"),
        ["PodSpec.containers"] = Merge("name"),
        ["PodSpec.initContainers"] = Merge("name"),
        ["PodSpec.ephemeralContainers"] = Merge("name"),
        ["PodSpec.volumes"] = Merge("name", retainKeys: true),
        ["PodSpec.resourceClaims"] = Merge("name", retainKeys: true),
        ["PodSpec.imagePullSecrets"] = Merge("name"),
        ["PodSpec.hostAliases"] = Merge("ip"),
        ["PodSpec.schedulingGates"] = Merge("name"),
        ["PodSpec.topologySpreadConstraints"] = Merge("topologyKey"),
        ["PodStatus.podIPs"] = Merge("ip"),
        ["PodStatus.hostIPs"] = Merge("ip"),
        ["Container.ports"] = Merge("containerPort"),
        ["Container.env"] = Merge("name"),
        ["Container.volumeMounts"] = Merge("mountPath"),
        ["Container.volumeDevices"] = Merge("devicePath"),
        ["EphemeralContainer.ports"] = Merge("containerPort"),
        ["EphemeralContainer.env"] = Merge("name"),
        ["EphemeralContainer.volumeMounts"] = Merge("mountPath"),
        ["EphemeralContainer.volumeDevices"] = Merge("devicePath"),
        ["ContainerStatus.volumeMounts"] = Merge("mountPath"),
        ["DeploymentSpec.strategy"] = new PatchRule(false, null, true),
        ["ServiceSpec.ports"] = Merge("port"),
        ["ServiceAccount.secrets"] = Merge("name"),
        ["NodeSpec.podCIDRs"] = Merge(null),
        ["NodeStatus.addresses"] = Merge("type"),
        ["ValidatingWebhookConfiguration.webhooks"] = Merge("name"),
        ["MutatingWebhookConfiguration.webhooks"] = Merge("name"),
        ["ValidatingWebhook.matchConditions"] = Merge("name"),
        ["MutatingWebhook.matchConditions"] = Merge("name"),
        ["ValidatingAdmissionPolicySpec.matchConditions"] = Merge("name"),
        ["ValidatingAdmissionPolicySpec.variables"] = Merge("name"),
    };

    // Everywhere else "conditions" is a plain list, among others in IngressStatus's siblings of newer API groups.
    private static readonly HashSet<string> KeyedConditions = new(StringComparer.Ordinal)
    {
        "PodStatus", "NodeStatus", "NamespaceStatus", "ServiceStatus", "PersistentVolumeClaimStatus", "ReplicationControllerStatus",
        "DeploymentStatus", "DaemonSetStatus", "StatefulSetStatus", "ReplicaSetStatus", "JobStatus", "PodDisruptionBudgetStatus",
        "HorizontalPodAutoscalerStatus", "APIServiceStatus",
    };

    /// <summary>The rule for a field of the Go type of that name.</summary>
    public static PatchRule For(string type, string field) =>
        Rules.TryGetValue($"{type}.{field}", out var rule) ? rule
        : field == "conditions" && KeyedConditions.Contains(type) ? Merge("type")
        : PatchRule.Plain;

    private static PatchRule Merge(string? key, bool retainKeys = false) => new(true, key, retainKeys);
}
