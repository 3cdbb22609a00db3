using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Proxy;

/// <summary>One pod behind a Service port.</summary>
public readonly record struct ProxyEndpoint(string Address, int Port, string Node);

/// <summary>One port of a Service by one family, with its endpoints: all that the rules of a node depend on.</summary>
public sealed record ProxiedPort(
    bool IPv6,
    string Protocol,
    int Port,
    int NodePort,
    string ClusterIp,
    IReadOnlyList<string> ExternalIps,
    bool Local,
    IReadOnlyList<ProxyEndpoint> Endpoints)
{
    /// <summary>Reads the ports of a Service; a headless or external one has none to proxy.</summary>
    public static IEnumerable<ProxiedPort> Of(JsonObject service, IEnumerable<JsonObject> slices)
    {
        JsonNode spec = service["spec"]!;
        if ((string?)spec["clusterIP"] is null or "" or "None" || (string?)spec["type"] == "ExternalName")
        {
            return [];
        }

        List<JsonObject> mine = [.. slices];
        return (spec["clusterIPs"]?.AsArray() ?? [(string?)spec["clusterIP"]]).SelectMany(ip => OfFamily(service, (string)ip!, mine));
    }

    private static IEnumerable<ProxiedPort> OfFamily(JsonObject service, string clusterIp, List<JsonObject> slices)
    {
        JsonNode spec = service["spec"]!;
        bool six = Lan.IsIPv6(clusterIp);
        string[] external = [.. (service["status"]?["loadBalancer"]?["ingress"]?.AsArray() ?? []).Select(entry => (string?)entry!["ip"]).OfType<string>().Where(ip => Lan.IsIPv6(ip) == six)];
        IEnumerable<JsonObject> mine = slices.Where(slice => ((string?)slice["addressType"] == "IPv6") == six);
        foreach (JsonNode? port in spec["ports"]?.AsArray() ?? [])
        {
            yield return new ProxiedPort(
                six,
                ((string?)port!["protocol"] ?? "TCP").ToLowerInvariant(),
                (int)port["port"]!,
                (int?)port["nodePort"] ?? 0,
                clusterIp,
                external,
                (string?)spec["externalTrafficPolicy"] == "Local",
                [.. mine.SelectMany(slice => EndpointsOf(slice, (string?)port["name"] ?? "")).Distinct()]);
        }
    }

    private static IEnumerable<ProxyEndpoint> EndpointsOf(JsonObject slice, string portName)
    {
        JsonNode? port = slice["ports"]?.AsArray().FirstOrDefault(candidate => ((string?)candidate!["name"] ?? "") == portName);
        return port is null ? [] :
            from endpoint in slice["endpoints"]?.AsArray() ?? []
            where (bool?)endpoint["conditions"]?["ready"] ?? true
            from address in endpoint["addresses"]!.AsArray()
            select new ProxyEndpoint((string)address!, (int)port["port"]!, (string?)endpoint["nodeName"] ?? "");
    }
}
