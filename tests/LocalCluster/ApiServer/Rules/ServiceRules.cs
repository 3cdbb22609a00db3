using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.Requests;

namespace LoadBalancer.LocalCluster.ApiServer.Rules;

/// <summary>
/// Services: defaults (<c>SetDefaults_Service</c> of the API server), what a change of type takes with it
/// (<c>dropTypeDependentFields</c>), and what an update that leaves out allocated values keeps.
/// </summary>
public sealed class ServiceRules(ServiceAllocation allocation) : KindRules
{
    private const long ClientIpAffinitySeconds = 10800;

    public override NameForm NameForm => NameForm.Label;

    public override void Default(JsonObject o)
    {
        var spec = o.Need("spec");
        spec.Default("type", "ClusterIP");
        spec.Default("sessionAffinity", "None");
        if (spec.Text("sessionAffinity") == "ClientIP")
            spec.Need("sessionAffinityConfig").Need("clientIP").Default("timeoutSeconds", ClientIpAffinitySeconds);
        else
            spec.Remove("sessionAffinityConfig");
        foreach (var port in spec.Objects("ports"))
            DefaultPort(port);
        DropZero(spec, "healthCheckNodePort");

        var type = spec.Text("type");
        if (IsExternal(spec))
            spec.Default("externalTrafficPolicy", "Cluster");
        if (type != "ExternalName")
            spec.Default("internalTrafficPolicy", "Cluster");
        if (type == "LoadBalancer")
        {
            spec.Default("allocateLoadBalancerNodePorts", true);
            foreach (var ingress in o["status"].Objects("loadBalancer", "ingress"))
            {
                if (ingress.Text("ip").Length > 0)
                    ingress.Default("ipMode", "VIP");
            }
        }

        SyncClusterIPs(spec);
        o.Need("status").Need("loadBalancer");
    }

    public override void PrepareUpdate(JsonObject o, JsonObject old)
    {
        var spec = o.Need("spec");
        var before = old.Need("spec");
        FollowSingleClusterIP(spec, before);
        KeepAllocated(spec, before);
        DropWhatTheTypeHasNot(spec, before);
        if (spec.Text("type") != "LoadBalancer")
            o.Need("status")["loadBalancer"] = new JsonObject();
    }

    public override void Validate(JsonObject o, JsonObject? old, ResourceKind requested, ICollection<FieldProblem> problems) =>
        ServiceValidation.Validate(o, old, problems);

    public override void ValidateStatus(JsonObject o, JsonObject old, ICollection<FieldProblem> problems) =>
        ServiceValidation.ValidateStatus(o, problems);

    public override Reservation Reserve(ResourceKind kind, JsonObject o, JsonObject? old) => allocation.Reserve(kind, o, old);

    public override void Release(JsonObject removed) => allocation.Release(removed);

    /// <summary>Whether the Service can be reached from outside: the traffic policy applies to it.</summary>
    internal static bool IsExternal(JsonObject spec) =>
        NeedsNodePorts(spec) || (spec.Text("type") == "ClusterIP" && spec.List("externalIPs") is { Count: > 0 });

    internal static bool NeedsNodePorts(JsonObject spec) => spec.Text("type") is "NodePort" or "LoadBalancer";

    internal static bool NeedsHealthPort(JsonObject spec) =>
        spec.Text("type") == "LoadBalancer" && spec.Text("externalTrafficPolicy") == "Local";

    internal static bool IsHeadless(JsonObject spec) => spec.Text("clusterIP") == "None";

    private static void DefaultPort(JsonObject port)
    {
        port.Default("protocol", "TCP");
        DropZero(port, "nodePort");
        if (port["targetPort"] is null || port.Number("targetPort") == 0 || (port["targetPort"].IsString() && port.Text("targetPort").Length == 0))
            port["targetPort"] = port["port"]?.DeepClone() ?? 0L;
    }

    private static void DropZero(JsonObject o, string field)
    {
        if (o.Number(field) == 0)
            o.Remove(field);
    }

    // clusterIP and clusterIPs[0] are the same thing; users may give either.
    private static void SyncClusterIPs(JsonObject spec)
    {
        var single = spec.Text("clusterIP");
        if (single.Length > 0 && spec.List("clusterIPs") is null or { Count: 0 })
            spec["clusterIPs"] = new JsonArray(single);
    }

    // Who changes clusterIP alone means the list as well.
    private static void FollowSingleClusterIP(JsonObject spec, JsonObject before)
    {
        if (spec.Text("clusterIP") == before.Text("clusterIP") || !JsonNode.DeepEquals(spec["clusterIPs"], before["clusterIPs"]))
            return;
        spec.Remove("clusterIPs");
        SyncClusterIPs(spec);
    }

    private static void KeepAllocated(JsonObject spec, JsonObject before)
    {
        if (spec.Text("type") != "ExternalName" && before.Text("type") != "ExternalName")
        {
            if (spec.Text("clusterIP").Length == 0)
                spec.Put("clusterIP", before["clusterIP"]?.DeepClone());
            if (spec.List("clusterIPs") is null or { Count: 0 })
                spec.Put("clusterIPs", before["clusterIPs"]?.DeepClone());
            if (spec.List("ipFamilies") is null or { Count: 0 })
                spec.Put("ipFamilies", before["ipFamilies"]?.DeepClone());
            if (spec.Text("ipFamilyPolicy").Length == 0)
                spec.Put("ipFamilyPolicy", before["ipFamilyPolicy"]?.DeepClone());
        }

        if (NeedsNodePorts(spec) && NeedsNodePorts(before))
            KeepNodePorts(spec, before);
        if (NeedsHealthPort(spec) && NeedsHealthPort(before) && spec["healthCheckNodePort"] is null)
            spec.Put("healthCheckNodePort", before["healthCheckNodePort"]?.DeepClone());
    }

    private static void KeepNodePorts(JsonObject spec, JsonObject before)
    {
        var had = before.Objects("ports").Where(p => p["nodePort"] is not null)
            .GroupBy(PortKey).ToDictionary(g => g.Key, g => g.First()["nodePort"]!);
        var used = spec.Objects("ports").Select(p => p.Number("nodePort")).ToHashSet();
        foreach (var port in spec.Objects("ports").Where(p => p["nodePort"] is null))
        {
            if (had.TryGetValue(PortKey(port), out var kept) && used.Add(kept.Number()))
                port["nodePort"] = kept.DeepClone();
        }
    }

    private static (string Protocol, long? Port) PortKey(JsonObject port) => (port.Text("protocol"), port.Number("port"));

    // Only fields that no longer apply, may have been filled in by the server, and were not changed by the user at the same time.
    private static void DropWhatTheTypeHasNot(JsonObject spec, JsonObject before)
    {
        bool Same(string field) => JsonNode.DeepEquals(spec[field], before[field]);

        if (spec.Text("type") == "ExternalName" && before.Text("type") != "ExternalName")
        {
            if (Same("clusterIP") && Same("clusterIPs"))
            {
                spec.Remove("clusterIP");
                spec.Remove("clusterIPs");
            }

            foreach (var field in (string[])["ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"])
            {
                if (Same(field))
                    spec.Remove(field);
            }
        }

        if (NeedsNodePorts(before) && !NeedsNodePorts(spec))
        {
            var had = before.Objects("ports").Select(p => p.Number("nodePort")).ToHashSet();
            if (spec.Objects("ports").Select(p => p.Number("nodePort")).OfType<long>().All(p => had.Contains(p)))
            {
                foreach (var port in spec.Objects("ports"))
                    port.Remove("nodePort");
            }
        }

        if (NeedsHealthPort(before) && !NeedsHealthPort(spec) && Same("healthCheckNodePort"))
            spec.Remove("healthCheckNodePort");
        if (before.Text("type") == "LoadBalancer" && spec.Text("type") != "LoadBalancer")
        {
            foreach (var field in (string[])["allocateLoadBalancerNodePorts", "loadBalancerClass"])
            {
                if (Same(field))
                    spec.Remove(field);
            }
        }

        if (IsExternal(before) && !IsExternal(spec) && Same("externalTrafficPolicy"))
            spec.Remove("externalTrafficPolicy");
    }
}
