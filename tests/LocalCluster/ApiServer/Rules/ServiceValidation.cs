using System.Net;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Requests;

namespace LoadBalancer.LocalCluster.ApiServer.Rules;

/// <summary>What the API server refuses in a Service (<c>ValidateService</c>), as far as load balancing meets it.</summary>
public static class ServiceValidation
{
    private static readonly string[] Types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    private static readonly string[] Protocols = ["SCTP", "TCP", "UDP"];

    public static void Validate(JsonObject o, JsonObject? old, ICollection<FieldProblem> problems)
    {
        var spec = o.Need("spec");
        var type = spec.Text("type");
        if (!Types.Contains(type))
            problems.Add(FieldProblem.NotSupported("spec.type", type, Types));
        var headless = ServiceRules.IsHeadless(spec);
        if (headless && type is "LoadBalancer" or "NodePort" && headless)
            problems.Add(FieldProblem.Invalid("spec.clusterIPs[0]", "None", $"may not be set to 'None' for {type} services"));
        if (type == "ExternalName" && spec.Text("externalName").Length == 0)
            problems.Add(FieldProblem.Required("spec.externalName"));
        Ports(spec, headless, problems);
        Names.CheckLabels(spec.Map("selector"), "spec.selector", problems);
        if (spec.Text("sessionAffinity") is not ("None" or "ClientIP"))
            problems.Add(FieldProblem.NotSupported("spec.sessionAffinity", spec.Text("sessionAffinity"), "ClientIP", "None"));
        Addresses(spec, problems);
        TypeDependent(spec, problems);
        Policies(spec, problems);
        if (old is not null)
            Changes(spec, old.Need("spec"), problems);
    }

    public static void ValidateStatus(JsonObject o, ICollection<FieldProblem> problems)
    {
        var ingress = o.Objects("status", "loadBalancer", "ingress").ToList();
        if (ingress.Count > 0 && o.Text("spec", "type") != "LoadBalancer")
        {
            problems.Add(FieldProblem.Forbidden("status.loadBalancer.ingress", "may only be used when `spec.type` is 'LoadBalancer'"));
            return;
        }

        for (var i = 0; i < ingress.Count; i++)
            Ingress(ingress[i], $"status.loadBalancer.ingress[{i}]", problems);
    }

    private static void Ingress(JsonObject point, string field, ICollection<FieldProblem> problems)
    {
        var ip = point.Text("ip");
        var mode = point.Text("ipMode");
        if (ip.Length > 0 && !IsIp(ip))
            problems.Add(FieldProblem.Invalid($"{field}.ip", ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
        if (ip.Length > 0 && mode.Length == 0)
            problems.Add(FieldProblem.Required($"{field}.ipMode", "must be specified when `ip` is set"));
        else if (ip.Length == 0 && point["ipMode"] is not null)
            problems.Add(FieldProblem.Forbidden($"{field}.ipMode", "may not be specified when `ip` is not set"));
        else if (mode is not ("" or "VIP" or "Proxy"))
            problems.Add(FieldProblem.NotSupported($"{field}.ipMode", mode, "Proxy", "VIP"));
        var host = point.Text("hostname");
        if (host.Length > 0 && Names.Wrong(host, NameForm.Subdomain) is { } wrong)
            problems.Add(FieldProblem.Invalid($"{field}.hostname", host, wrong));
        if (IsIp(host))
            problems.Add(FieldProblem.Invalid($"{field}.hostname", host, "must be a DNS name, not an IP address"));
    }

    private static void Ports(JsonObject spec, bool headless, ICollection<FieldProblem> problems)
    {
        var ports = spec.Objects("ports").ToList();
        if (ports.Count == 0 && !headless && spec.Text("type") != "ExternalName")
            problems.Add(FieldProblem.Required("spec.ports"));
        var names = new HashSet<string>(StringComparer.Ordinal);
        var numbers = new HashSet<(string, long?)>();
        var nodePorts = new HashSet<(string, long?)>();
        for (var i = 0; i < ports.Count; i++)
        {
            var field = $"spec.ports[{i}]";
            Port(ports[i], field, ports.Count > 1, names, problems);
            if (!numbers.Add((ports[i].Text("protocol"), ports[i].Number("port"))))
                problems.Add(FieldProblem.Duplicate(field, new JsonObject { ["port"] = ports[i]["port"]?.DeepClone(), ["protocol"] = ports[i].Text("protocol") }));
            if (ports[i]["nodePort"] is not { } nodePort)
                continue;
            if (spec.Text("type") == "ClusterIP")
                problems.Add(FieldProblem.Forbidden($"{field}.nodePort", "may not be used when `type` is 'ClusterIP'"));
            if (!nodePorts.Add((ports[i].Text("protocol"), nodePort.Number())))
                problems.Add(FieldProblem.Duplicate($"{field}.nodePort", nodePort));
        }
    }

    private static void Port(JsonObject port, string field, bool needsName, HashSet<string> names, ICollection<FieldProblem> problems)
    {
        var name = port.Text("name");
        if (name.Length == 0 && needsName)
            problems.Add(FieldProblem.Required($"{field}.name"));
        if (name.Length > 0 && Names.Wrong(name, NameForm.Label) is { } wrong)
            problems.Add(FieldProblem.Invalid($"{field}.name", name, wrong));
        if (name.Length > 0 && !names.Add(name))
            problems.Add(FieldProblem.Duplicate($"{field}.name", name));
        if (port.Number("port") is not (>= 1 and <= 65535))
            problems.Add(FieldProblem.Invalid($"{field}.port", port["port"] ?? 0L, "must be between 1 and 65535, inclusive"));
        if (!port["targetPort"].IsString() && port.Number("targetPort") is not (>= 1 and <= 65535))
            problems.Add(FieldProblem.Invalid($"{field}.targetPort", port["targetPort"], "must be between 1 and 65535, inclusive"));
        if (!Protocols.Contains(port.Text("protocol")))
            problems.Add(FieldProblem.NotSupported($"{field}.protocol", port.Text("protocol"), Protocols));
    }

    private static void Addresses(JsonObject spec, ICollection<FieldProblem> problems)
    {
        var clusterIPs = spec.Strings("clusterIPs").ToList();
        var clusterIP = spec.Text("clusterIP");
        if (clusterIP.Length > 0 && clusterIPs.Count > 0 && clusterIPs[0] != clusterIP)
            problems.Add(FieldProblem.Invalid("spec.clusterIPs", spec["clusterIPs"], "first value must match `clusterIP`"));
        if (clusterIP.Length == 0 && clusterIPs.Count > 0)
            problems.Add(FieldProblem.Invalid("spec.clusterIPs", spec["clusterIPs"], "must be empty when `clusterIP` is not specified"));
        for (var i = 0; i < clusterIPs.Count; i++)
        {
            if (clusterIPs[i] != "None" && !IsIp(clusterIPs[i]))
                problems.Add(FieldProblem.Invalid($"spec.clusterIPs[{i}]", clusterIPs[i], "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
        }

        if (spec.Text("ipFamilyPolicy") is not ("" or "SingleStack" or "PreferDualStack" or "RequireDualStack"))
            problems.Add(FieldProblem.NotSupported("spec.ipFamilyPolicy", spec.Text("ipFamilyPolicy"), "PreferDualStack", "RequireDualStack", "SingleStack"));
        Families(spec, clusterIPs, problems);
        var external = spec.Strings("externalIPs").ToList();
        for (var i = 0; i < external.Count; i++)
        {
            if (!IsIp(external[i]))
                problems.Add(FieldProblem.Invalid($"spec.externalIPs[{i}]", external[i], "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
        }
    }

    private static void Families(JsonObject spec, List<string> clusterIPs, ICollection<FieldProblem> problems)
    {
        var families = spec.Strings("ipFamilies").ToList();
        for (var i = 0; i < families.Count; i++)
        {
            if (families[i] is not ("IPv4" or "IPv6"))
                problems.Add(FieldProblem.NotSupported($"spec.ipFamilies[{i}]", families[i], "IPv4", "IPv6"));
            if (families.IndexOf(families[i]) < i)
                problems.Add(FieldProblem.Duplicate($"spec.ipFamilies[{i}]", families[i]));
        }

        if (clusterIPs.Count > 2)
            problems.Add(FieldProblem.Invalid("spec.clusterIPs", spec["clusterIPs"], "may only hold up to 2 values"));
        if (!clusterIPs.TrueForAll(IsIp))
            return;
        if (clusterIPs.Count > 1 && clusterIPs.Select(FamilyOf).Distinct().Count() == 1)
            problems.Add(FieldProblem.Invalid("spec.clusterIPs", spec["clusterIPs"], "may specify no more than one IP for each IP family"));
        for (var i = 0; i < Math.Min(clusterIPs.Count, families.Count); i++)
        {
            if (families[i] is "IPv4" or "IPv6" && families[i] != FamilyOf(clusterIPs[i]))
                problems.Add(FieldProblem.Invalid($"spec.clusterIPs[{i}]", clusterIPs[i], $"expected an {families[i]} value as indicated by `ipFamilies[{i}]`"));
        }
    }

    private static string FamilyOf(string ip) => ip.Contains(':', StringComparison.Ordinal) ? "IPv6" : "IPv4";

    private static void TypeDependent(JsonObject spec, ICollection<FieldProblem> problems)
    {
        var isLoadBalancer = spec.Text("type") == "LoadBalancer";
        foreach (var (field, shown) in ((string, string)[])[("allocateLoadBalancerNodePorts", "allocateLoadBalancerNodePorts"),
                     ("loadBalancerClass", "loadBalancerClass"), ("loadBalancerSourceRanges", "LoadBalancerSourceRanges")])
        {
            if (!isLoadBalancer && spec[field] is not (null or JsonArray { Count: 0 }))
                problems.Add(FieldProblem.Forbidden($"spec.{shown}", "may only be used when `type` is 'LoadBalancer'"));
        }

        if (isLoadBalancer && spec["loadBalancerClass"] is not null && Names.WrongQualified(spec.Text("loadBalancerClass")) is { } wrong)
            problems.Add(FieldProblem.Invalid("spec.loadBalancerClass", spec["loadBalancerClass"], wrong));
    }

    private static void Policies(JsonObject spec, ICollection<FieldProblem> problems)
    {
        var external = spec.Text("externalTrafficPolicy");
        if (!ServiceRules.IsExternal(spec))
        {
            if (external.Length > 0)
                problems.Add(FieldProblem.Invalid("spec.externalTrafficPolicy", external, "may only be set for externally-accessible services"));
        }
        else if (external is not ("Cluster" or "Local"))
        {
            problems.Add(FieldProblem.NotSupported("spec.externalTrafficPolicy", external, "Cluster", "Local"));
        }

        if (!ServiceRules.NeedsHealthPort(spec) && spec["healthCheckNodePort"] is { } health)
        {
            problems.Add(FieldProblem.Invalid("spec.healthCheckNodePort", health,
                "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"));
        }

        if (spec.Text("internalTrafficPolicy") is not ("" or "Cluster" or "Local"))
            problems.Add(FieldProblem.NotSupported("spec.internalTrafficPolicy", spec.Text("internalTrafficPolicy"), "Cluster", "Local"));
    }

    private static void Changes(JsonObject spec, JsonObject before, ICollection<FieldProblem> problems)
    {
        if (spec.Text("type") == "LoadBalancer" && before.Text("type") == "LoadBalancer"
            && !JsonNode.DeepEquals(spec["loadBalancerClass"], before["loadBalancerClass"]))
            problems.Add(FieldProblem.Invalid("spec.loadBalancerClass", spec["loadBalancerClass"], "may not change once set"));
        if (spec.Text("type") == "ExternalName" || before.Text("type") == "ExternalName")
            return;

        var ips = spec.Strings("clusterIPs").ToList();
        var had = before.Strings("clusterIPs").ToList();
        if (had.Count > 0 && ips.Count > 0 && ips[0] != had[0])
            problems.Add(FieldProblem.Invalid("spec.clusterIPs[0]", spec["clusterIPs"], "may not change once set"));
        var families = spec.Strings("ipFamilies").ToList();
        var hadFamilies = before.Strings("ipFamilies").ToList();
        if (hadFamilies.Count > 0 && families.Count > 0 && families[0] != hadFamilies[0])
            problems.Add(FieldProblem.Invalid("spec.ipFamilies[0]", families[0], "may not change once set"));
        if (ips.Count == 1 && had.Count == 2 && spec.Text("ipFamilyPolicy") != "SingleStack")
            problems.Add(FieldProblem.Invalid("spec.ipFamilyPolicy", spec["ipFamilyPolicy"], "must be set to 'SingleStack' when releasing the secondary clusterIP"));
        if (families.Count == 1 && hadFamilies.Count == 2 && spec.Text("ipFamilyPolicy") != "SingleStack" && !ServiceRules.IsHeadless(spec))
            problems.Add(FieldProblem.Invalid("spec.ipFamilyPolicy", spec["ipFamilyPolicy"], "must be set to 'SingleStack' when releasing the secondary ipFamily"));
        if (ServiceRules.NeedsHealthPort(spec) && ServiceRules.NeedsHealthPort(before)
            && !JsonNode.DeepEquals(spec["healthCheckNodePort"], before["healthCheckNodePort"]))
            problems.Add(FieldProblem.Forbidden("spec.healthCheckNodePort", "field is immutable"));
    }

    private static bool IsIp(string text) => text.Length > 0 && IPAddress.TryParse(text, out _) && (text.Contains(':', StringComparison.Ordinal) || text.Count(c => c == '.') == 3);
}
