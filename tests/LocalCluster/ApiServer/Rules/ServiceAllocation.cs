using System.Net;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.Requests;

namespace LoadBalancer.LocalCluster.ApiServer.Rules;

/// <summary>Gives Services their cluster addresses and node ports (the API server's Service REST storage).</summary>
public sealed class ServiceAllocation(IEnumerable<IPNetwork> ranges, int firstNodePort, int lastNodePort)
{
    private readonly AddressPool[] _pools = [.. ranges.Select(r => new AddressPool(r))];
    private readonly NumberPool _nodePorts = new(
        (UInt128)firstNodePort, (UInt128)lastNodePort, (uint)Math.Min(Math.Clamp((lastNodePort - firstNodePort + 1) / 32, 16, 128), lastNodePort - firstNodePort));

    /// <summary>The address of the Service <c>kubernetes</c>: the first of the first range.</summary>
    public string First => _pools[0].ToAddress(_pools[0].First).ToString();

    public Reservation Reserve(ResourceKind kind, JsonObject o, JsonObject? old)
    {
        var reservation = new Reservation();
        try
        {
            var request = new Request(kind, o["metadata"].Text("name"), o.Need("spec"), old?.Need("spec") ?? [], reservation);
            if (request.Spec.Text("type") != "ExternalName")
                TakeAddresses(request);
            TakeNodePorts(request);
            TakeHealthPort(request);
            if (old is not null)
                reservation.WhenStored(() => Release(old, keep: o));
            return reservation;
        }
        catch
        {
            reservation.Dispose();
            throw;
        }
    }

    public void Release(JsonObject removed) => Release(removed, keep: []);

    private void Release(JsonObject removed, JsonObject keep)
    {
        foreach (var ip in AddressesOf(removed["spec"]).Except(AddressesOf(keep["spec"])))
            PoolOf(IPAddress.Parse(ip))?.GiveBack(IPAddress.Parse(ip));
        foreach (var port in PortsOf(removed["spec"]).Except(PortsOf(keep["spec"])))
            _nodePorts.GiveBack((UInt128)port);
    }

    private void TakeAddresses(Request request)
    {
        var spec = request.Spec;
        var families = DecideFamilies(request);
        spec["ipFamilies"] = JsonPaths.ListOf(families);
        if (ServiceRules.IsHeadless(spec))
        {
            spec["clusterIPs"] = new JsonArray("None");
            return;
        }

        var asked = spec.Strings("clusterIPs").ToList();
        var had = AddressesOf(request.Before).ToHashSet(StringComparer.Ordinal);
        var got = new List<string>();
        for (var i = 0; i < families.Count; i++)
        {
            if (i < asked.Count && had.Contains(asked[i]))
                got.Add(asked[i]);
            else
                got.Add(TakeAddress(request, families[i], i < asked.Count ? asked[i] : null));
        }

        spec["clusterIP"] = got[0];
        spec["clusterIPs"] = JsonPaths.ListOf(got);
    }

    private List<string> DecideFamilies(Request request)
    {
        var spec = request.Spec;
        var given = spec.Strings("ipFamilies").ToList();
        var addresses = spec.Strings("clusterIPs").Where(a => a != "None").Select(a => FamilyOf(IPAddress.Parse(a))).ToList();
        var before = request.Before;
        if (spec.Text("ipFamilyPolicy").Length == 0 && ServiceRules.IsHeadless(spec) && spec.Map("selector") is null or { Count: 0 } && given.Count == 0)
        {
            // Its endpoints are the user's own, of either family, whatever the cluster has.
            spec["ipFamilyPolicy"] = "RequireDualStack";
            return [_pools[0].FamilyName, _pools[0].FamilyName == "IPv4" ? "IPv6" : "IPv4"];
        }

        if (spec.Text("ipFamilyPolicy").Length == 0)
            spec["ipFamilyPolicy"] = given.Count == 2 || addresses.Count == 2 ? "RequireDualStack" : "SingleStack";
        var policy = spec.Text("ipFamilyPolicy");
        var primary = given.FirstOrDefault() ?? addresses.FirstOrDefault() ?? _pools[0].FamilyName;
        if (policy == "SingleStack" && before.Text("ipFamilyPolicy") is "PreferDualStack" or "RequireDualStack")
        {
            // A downgrade: of what the update names as it was, the secondary goes.
            if (spec.Strings("clusterIPs").SequenceEqual(before.Strings("clusterIPs")))
            {
                spec["clusterIPs"] = JsonPaths.ListOf(spec.Strings("clusterIPs").Take(1));
                addresses = [.. addresses.Take(1)];
            }

            given = given.SequenceEqual(before.Strings("ipFamilies")) ? [primary] : given;
        }

        if (policy == "SingleStack" && (given.Count == 2 || addresses.Count == 2))
            throw request.Invalid("spec.ipFamilyPolicy", policy, "must be RequireDualStack or PreferDualStack when multiple `ipFamilies` are specified");
        if (policy == "RequireDualStack" && _pools.Length < 2)
            throw request.Invalid("spec.ipFamilyPolicy", policy, "this cluster is not configured for dual-stack services");
        if (_pools.All(p => p.FamilyName != primary))
            throw request.Invalid("spec.ipFamilies[0]", primary, "not configured on this cluster");
        return policy == "SingleStack" || _pools.Length < 2 ? [primary] : [primary, primary == "IPv4" ? "IPv6" : "IPv4"];
    }

    private string TakeAddress(Request request, string family, string? asked)
    {
        var pool = _pools.First(p => p.FamilyName == family);
        if (asked is not null)
        {
            var wanted = IPAddress.Parse(asked);
            if (!pool.Range.Contains(wanted))
                throw request.Invalid("spec.clusterIPs", new JsonArray(asked), $"failed to allocate IP {asked}: the provided network does not match the current range");
            if (!pool.TryTake(wanted))
                throw request.Invalid("spec.clusterIPs", new JsonArray(asked), $"failed to allocate IP {asked}: provided IP is already allocated");
            request.Reservation.GiveBackUnlessStored(() => pool.GiveBack(wanted));
            return asked;
        }

        var address = pool.TakeAny() ?? throw new ApiException(500, "InternalError", "Internal error occurred: failed to allocate a serviceIP: range is full");
        request.Reservation.GiveBackUnlessStored(() => pool.GiveBack(address));
        return address.ToString();
    }

    private void TakeNodePorts(Request request)
    {
        var spec = request.Spec;
        if (!ServiceRules.NeedsNodePorts(spec))
            return;
        var wanted = spec.Text("type") == "NodePort" || spec.Flag("allocateLoadBalancerNodePorts") != false;
        var had = PortsOf(request.Before).ToHashSet();
        // One port may serve TCP and UDP under the same number.
        var byPort = new Dictionary<long, long>();
        foreach (var port in spec.Objects("ports"))
        {
            if (port.Number("nodePort") is { } asked)
            {
                if (!had.Contains(asked) && byPort.Values.All(p => p != asked))
                    TakePort(request, asked, $"spec.ports[{spec.List("ports")!.IndexOf(port)}].nodePort");
                byPort[port.Number("port") ?? 0] = asked;
            }
            else if (wanted)
            {
                if (!byPort.TryGetValue(port.Number("port") ?? 0, out var number))
                    byPort[port.Number("port") ?? 0] = number = TakePort(request, null, "");
                port["nodePort"] = number;
            }
        }
    }

    private void TakeHealthPort(Request request)
    {
        if (!ServiceRules.NeedsHealthPort(request.Spec))
            return;
        var asked = request.Spec.Number("healthCheckNodePort");
        if (asked is null || !PortsOf(request.Before).Contains(asked.Value))
            request.Spec["healthCheckNodePort"] = TakePort(request, asked, "spec.healthCheckNodePort");
    }

    private long TakePort(Request request, long? asked, string field)
    {
        if (asked is { } wanted)
        {
            if (!_nodePorts.Contains((UInt128)wanted))
                throw request.Invalid(field, wanted, $"provided port is not in the valid range. The range of valid ports is {firstNodePort}-{lastNodePort}");
            if (!_nodePorts.TryTake((UInt128)wanted))
                throw request.Invalid(field, wanted, "provided port is already allocated");
        }

        var number = asked ?? (long?)_nodePorts.TakeAny()
            ?? throw new ApiException(500, "InternalError", "Internal error occurred: failed to allocate a nodePort: range is full");
        request.Reservation.GiveBackUnlessStored(() => _nodePorts.GiveBack((UInt128)number));
        return number;
    }

    private AddressPool? PoolOf(IPAddress address) => _pools.FirstOrDefault(p => p.Family == address.AddressFamily);

    private static string FamilyOf(IPAddress address) => address.GetAddressBytes().Length == 4 ? "IPv4" : "IPv6";

    private static IEnumerable<string> AddressesOf(JsonNode? spec) => spec.Strings("clusterIPs").Where(a => IPAddress.TryParse(a, out _));

    private static IEnumerable<long> PortsOf(JsonNode? spec) =>
        spec.Objects("ports").Select(p => p.Number("nodePort")).Append(spec.Number("healthCheckNodePort")).OfType<long>();

    private sealed record Request(ResourceKind Kind, string Name, JsonObject Spec, JsonObject Before, Reservation Reservation)
    {
        public ApiException Invalid(string field, JsonNode value, string why) => ApiException.Invalid(Kind, Name, [FieldProblem.Invalid(field, value, why)]);
    }
}
