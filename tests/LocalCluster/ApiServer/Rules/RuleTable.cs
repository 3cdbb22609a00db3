using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.LocalCluster.ApiServer.Rules;

/// <summary>Which rules the objects of a collection follow.</summary>
public sealed class RuleTable(ServiceAllocation allocation)
{
    private readonly Dictionary<string, KindRules> _rules = new(StringComparer.Ordinal)
    {
        ["namespaces"] = new NamespaceRules(),
        ["services"] = new ServiceRules(allocation),
        ["pods"] = new PodRules(),
        ["events"] = new EventRules(),
        ["configmaps"] = new DataRules(secret: false),
        ["secrets"] = new DataRules(secret: true),
        ["leases.coordination.k8s.io"] = new LeaseRules(),
        ["endpointslices.discovery.k8s.io"] = new EndpointSliceRules(),
        ["deployments.apps"] = WorkloadRules.Deployment,
        ["daemonsets.apps"] = WorkloadRules.DaemonSet,
        ["statefulsets.apps"] = WorkloadRules.StatefulSet,
        ["replicasets.apps"] = WorkloadRules.ReplicaSet,
        ["roles.rbac.authorization.k8s.io"] = new RbacRules(),
        ["rolebindings.rbac.authorization.k8s.io"] = new RbacRules(),
        ["clusterroles.rbac.authorization.k8s.io"] = new RbacRules(),
        ["clusterrolebindings.rbac.authorization.k8s.io"] = new RbacRules(),
        ["networkpolicies.networking.k8s.io"] = new DefaultRules(o =>
            o.Need("spec").Default("policyTypes", o["spec"].List("egress") is null ? new JsonArray("Ingress") : new JsonArray("Ingress", "Egress"))),
        ["nodes"] = new NodeRules(),
        ["endpoints"] = new DefaultRules(o =>
        {
            foreach (var port in o.Objects("subsets").SelectMany(s => s.Objects("ports")))
                port.Default("protocol", "TCP");
        }),
        ["jobs.batch"] = WorkloadRules.Job,
        ["ingresses.networking.k8s.io"] = new DefaultRules(o => o.Need("status").Need("loadBalancer")),
        ["poddisruptionbudgets.policy"] = new DefaultRules(o =>
        {
            foreach (var count in (string[])["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"])
                o.Need("status").Default(count, 0L);
        }),
        ["horizontalpodautoscalers.autoscaling"] = new DefaultRules(o => o.Need("spec").Default("minReplicas", 1L)),
        ["priorityclasses.scheduling.k8s.io"] = new DefaultRules(o => o.Default("preemptionPolicy", "PreemptLowerPriority")),
    };

    public KindRules this[string collection] => _rules.GetValueOrDefault(collection, KindRules.None);
}
