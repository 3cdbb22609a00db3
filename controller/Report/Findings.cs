using LoadBalancer.Status;

namespace LoadBalancer.Controller.Report;

/// <summary>What is wrong, as far as a controller sees it in the API server's objects, each with its remedy. Pure.</summary>
internal static class Findings
{
    // Of one kind; the rest is counted.
    private const int Most = 20;

    /// <summary>Everything that is wrong in what is told, errors first.</summary>
    /// <param name="status">What is told.</param>
    /// <param name="space">The programs' namespace, for the remedies.</param>
    public static IReadOnlyList<ProblemStatus> Of(ControllerStatus status, string space) =>
    [
        .. OfProgram(status, space)
            .Concat(OfConfiguration(status, space))
            .Concat(Bounded(OfServices(status), "Services do not have what they ask for"))
            .Concat(Bounded(OfAddresses(status, space), "addresses are not as they should be"))
            .Concat(Bounded(OfNodes(status, space), "nodes are not as they should be"))
            .Concat(Bounded(OfHearing(status), "nodes do not hear another"))
            .Concat(Bounded(OfStrangers(status), "free addresses are used by other hosts"))
            .OrderBy(static problem => problem.Severity == "error" ? 0 : 1),
    ];

    private static IEnumerable<ProblemStatus> OfProgram(ControllerStatus status, string space)
    {
        if (status.Leader.Length == 0 && !status.Leading)
        {
            yield return Error("no controller leads: no Service gets an address", $"kubectl -n {space} logs -l app.kubernetes.io/component=controller");
        }

        if (!status.Current)
        {
            yield return Warning("this controller does not hear the API server at the moment: what is shown is what was", "kubectl get --raw /readyz");
        }

        foreach (var (condition, why) in status.Program.Missing ?? new Dictionary<string, string>())
        {
            yield return Error($"this controller is not ready: {condition}: {why}", $"kubectl -n {space} logs -l app.kubernetes.io/component=controller");
        }
    }

    private static IEnumerable<ProblemStatus> OfConfiguration(ControllerStatus status, string space)
    {
        var isBad = status.Configuration.State != "Loaded";
        foreach (var problem in status.Configuration.Problems)
        {
            var what = $"ConfigMap config, line {problem.Line}, column {problem.Column}: {(problem.Path.Length > 0 ? problem.Path + ": " : "")}{problem.Message}";
            yield return isBad ? Error(what, problem.Remedy) : Warning(what, problem.Remedy);
        }

        if (isBad && status.Configuration.Problems.Count == 0)
        {
            yield return status.Configuration.State == "Stale"
                ? Error("the ConfigMap with the pools is gone; an earlier one is in force until the programs restart", $"kubectl -n {space} apply -f pools.yaml")
                : Error("there is no pool configuration: no Service gets an address", $"make the ConfigMap config in the namespace {space}");
        }

        foreach (var overlap in status.Overlaps)
        {
            yield return Warning(overlap, "traffic to these addresses stays inside the cluster: use addresses of the nodes' subnet");
        }
    }

    private static IEnumerable<ProblemStatus> OfServices(ControllerStatus status)
    {
        foreach (var service in status.Services)
        {
            var name = $"{service.Namespace}/{service.Name}";
            if (service.Reason is { } reason)
            {
                var why = $"kubectl lb why -n {service.Namespace} {service.Name}";
                yield return service.Addresses.Count == 0
                    ? Error($"Service {name} has no address: {service.Detail ?? reason}", why)
                    : Warning($"Service {name} has {string.Join(", ", service.Addresses)} and not all it asks for: {service.Detail ?? reason}", why);
            }

            if (service.ContendedBy is { } writer)
            {
                yield return Error($"{writer} keeps changing the status of Service {name}", "let one load balancer serve it: spec.loadBalancerClass");
            }
        }
    }

    private static IEnumerable<ProblemStatus> OfAddresses(ControllerStatus status, string space)
    {
        foreach (var address in status.Addresses)
        {
            var what = $"{address.Address} ({string.Join(", ", address.Services.Take(3))}{(address.Services.Count > 3 ? ", …" : "")})";
            var why = $"kubectl lb why -n {address.Services[0].Replace("/", " ", StringComparison.Ordinal)}";
            switch (address.State)
            {
                case "Conflict":
                    yield return Error($"{what}: {address.Detail}", "find the host by its hardware address; take the address from it, or out of the pool");
                    break;
                case "Split":
                    yield return Error($"{what}: {address.Detail}", "see that their speakers hear each other: kubectl lb doctor");
                    break;
                case "Nobody":
                    yield return Error($"{what} is announced by nobody: {address.Detail}", why);
                    break;
                case "Represented":
                    yield return Warning($"{what}: {address.Detail}", $"none, if it is being upgraded; else kubectl -n {space} get pods -o wide");
                    break;
            }
        }
    }

    private static IEnumerable<ProblemStatus> OfNodes(ControllerStatus status, string space)
    {
        foreach (var node in status.Nodes.Where(static node => node is { Speaker: not "Alive", IsWindows: false }))
        {
            yield return node.Speaker switch
            {
                "Silent" => Warning($"the speaker of node {node.Name} does not renew its Lease: it, the node, or its way to the API server is down", $"kubectl -n {space} get pods -o wide --field-selector spec.nodeName={node.Name}"),
                "Stopped" => Warning($"the speaker of node {node.Name} has stopped", $"kubectl -n {space} get pods -o wide --field-selector spec.nodeName={node.Name}"),
                _ => Warning($"node {node.Name} has no speaker: it announces nothing", $"kubectl -n {space} describe daemonset speaker (taints, node selectors, images)"),
            };
        }

        var versions = status.Nodes.Where(static node => node is { Speaker: "Alive", Version: not null }).GroupBy(static node => node.Version!, StringComparer.Ordinal).ToArray();
        if (versions.Length > 1)
        {
            yield return Warning($"speakers of different versions: {string.Join("; ", versions.OrderBy(static version => version.Key, StringComparer.Ordinal).Select(version => $"{version.Key} on {Listed(version.Select(static node => node.Name))}"))}",
                $"none, if they are being upgraded; else kubectl -n {space} rollout status daemonset speaker");
        }
    }

    private static IEnumerable<ProblemStatus> OfHearing(ControllerStatus status) =>
        status.Nodes.SelectMany(static node => node.Links.Where(static link => link.Misses.Count > 0).Select(link => Warning(
            $"{node.Name} and {Listed(link.Misses)} do not hear each other on {link.Name}, though they are in one subnet: between them addresses fail over in 40 s",
            "let frames of EtherType 0x88B5 pass between the nodes' ports; kubectl lb doctor tells which way")));

    private static IEnumerable<ProblemStatus> OfStrangers(ControllerStatus status) =>
        status.Excluded.Where(static excluded => excluded.Kind == "Quarantined").Select(static excluded => Warning(
            $"{excluded.Address} of pool {excluded.Pool} is passed over: {excluded.Reason}", "take it out of that host's or the DHCP server's range, or out of the pool"));

    private static IEnumerable<ProblemStatus> Bounded(IEnumerable<ProblemStatus> problems, string what)
    {
        // The worst of many must be among those that are named.
        var all = problems.OrderBy(static problem => problem.Severity == "error" ? 0 : 1).ToArray();
        foreach (var problem in all.Take(Most))
        {
            yield return problem;
        }

        if (all.Length > Most)
        {
            yield return new ProblemStatus { Severity = all[Most].Severity, What = $"{all.Length - Most} more {what}", Remedy = "kubectl lb status" };
        }
    }

    private static string Listed(IEnumerable<string> names)
    {
        var all = names.ToArray();
        return string.Join(", ", all.Take(5)) + (all.Length > 5 ? $" and {all.Length - 5} more" : "");
    }

    private static ProblemStatus Error(string what, string remedy) => new() { Severity = "error", What = what, Remedy = remedy };

    private static ProblemStatus Warning(string what, string remedy) => new() { Severity = "warning", What = what, Remedy = remedy };
}
