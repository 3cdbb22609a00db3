using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Status;

/// <summary>What is wrong with a cluster's load balancer, each with its remedy. Pure.</summary>
internal static class Problems
{
    private const string Windows = "windows";

    /// <summary>Everything that is wrong.</summary>
    public static IEnumerable<Problem> Of(ClusterView view, IReadOnlyList<AddressRow> addresses) =>
    [
        .. view.Unread.Select(Of),
        .. OfControllers(view),
        .. OfConfiguration(view),
        .. OfSpeakers(view),
        .. OfNodes(view),
        .. OfHearing(view),
        .. OfServices(view),
        .. addresses.SelectMany(Of),
        .. OfStrangers(view),
        .. OfVersions(view),
    ];

    private static Problem Of(Unread unread) => Problem.Error(
        $"{unread.What} could not be read: {unread.Why}",
        unread.IsForbidden ? "bind the ClusterRole loadbalancer-viewer (manifests/loadbalancer/components/viewer) to whoever calls, or ask who may" : "see whether the API server answers: kubectl get --raw /readyz");

    private static IEnumerable<Problem> OfControllers(ClusterView view)
    {
        if (view.Controllers is not { } controllers)
        {
            yield break;
        }

        if (controllers.Count == 0)
        {
            yield return Problem.Error($"there is no controller in the namespace {view.SystemNamespace}: no Service gets an address", "kubectl apply -f manifests/loadbalancer.yaml, or name the namespace with --system-namespace");
        }
        else if (view.Controller is { } known && !controllers.Any(static told => told.Document is { Leading: true }))
        {
            yield return known.Leader.Length > 0 && controllers.Any(static told => told.Document is null)
                ? Problem.Warning($"the controller that leads, {known.Leader}, could not be asked", $"kubectl -n {view.SystemNamespace} get pods -l app.kubernetes.io/component=controller")
                : Problem.Error("no controller leads: no Service gets an address", $"kubectl -n {view.SystemNamespace} logs -l app.kubernetes.io/component=controller");
        }

        foreach (var told in controllers.Where(static told => told.Document is null))
        {
            yield return Problem.Error($"controller {told.Pod} could not be asked: {told.Failure}", $"kubectl -n {view.SystemNamespace} describe pod {told.Pod}");
        }

        foreach (var told in controllers.Where(static told => told.Document is { Program.Ready: false }))
        {
            yield return Problem.Error($"controller {told.Pod} is not ready: {Missing(told.Document!.Program)}", $"kubectl -n {view.SystemNamespace} logs {told.Pod}");
        }
    }

    private static IEnumerable<Problem> OfConfiguration(ClusterView view)
    {
        var configuration = view.Controller?.Configuration ?? view.Answering.FirstOrDefault()?.Configuration;
        if (configuration is null)
        {
            yield break;
        }

        var severe = configuration.State != "Loaded";
        foreach (var problem in configuration.Problems)
        {
            var what = $"ConfigMap {view.SystemNamespace}/config, line {problem.Line}, column {problem.Column}: {(problem.Path.Length > 0 ? problem.Path + ": " : "")}{problem.Message}";
            yield return severe ? Problem.Error(what, problem.Remedy) : Problem.Warning(what, problem.Remedy);
        }

        if (severe && configuration.Problems.Count == 0)
        {
            yield return configuration.State == "Stale"
                ? Problem.Error("the ConfigMap with the pools is gone; an earlier one is in force until the programs restart", $"put it back: kubectl -n {view.SystemNamespace} apply -f pools.yaml")
                : Problem.Error("there is no pool configuration: no Service gets an address", $"make the ConfigMap {view.SystemNamespace}/config, as docs/configuration.md shows");
        }

        foreach (var overlap in view.Controller?.Overlaps ?? [])
        {
            yield return Problem.Warning(overlap, "traffic to these addresses stays inside the cluster: use addresses of the nodes' subnet");
        }
    }

    private static IEnumerable<Problem> OfSpeakers(ClusterView view)
    {
        foreach (var told in view.Speakers ?? [])
        {
            if (told.Document is not { } speaker)
            {
                yield return Problem.Error($"speaker {told.Pod} could not be asked: {told.Failure}", $"kubectl -n {view.SystemNamespace} describe pod {told.Pod}");
                continue;
            }

            if (!speaker.Program.Ready)
            {
                yield return Problem.Error($"the speaker of node {speaker.Node} is not ready: {Missing(speaker.Program)}", $"kubectl -n {view.SystemNamespace} logs {told.Pod}");
            }

            if (!speaker.Current)
            {
                yield return Problem.Warning($"the speaker of node {speaker.Node} does not hear the API server at the moment", $"see whether node {speaker.Node} reaches it; what it announces stays as it is");
            }

            foreach (var warning in speaker.Warnings)
            {
                yield return Problem.Warning($"node {speaker.Node}: {warning}", "see docs/runbook.md");
            }

            foreach (var link in speaker.Links.Where(static link => link.Deaf))
            {
                yield return Problem.Error($"nothing comes in on {link.Name} of node {speaker.Node}, not even from hosts that answered a moment ago", "look at its cable, switch port and VLAN");
            }
        }
    }

    private static IEnumerable<Problem> OfNodes(ClusterView view)
    {
        if (view.Nodes is not { } nodes || view.Speakers is not { } speakers || speakers.Any(static told => told.Document is null))
        {
            yield break;
        }

        var with = view.Answering.Select(static speaker => speaker.Node).ToHashSet(StringComparer.Ordinal);
        foreach (var node in nodes.Where(node => !with.Contains(node.Key.Name) && !IsWindows(node)))
        {
            yield return Problem.Warning($"node {node.Key.Name} has no speaker: it announces nothing", $"kubectl -n {view.SystemNamespace} describe daemonset speaker (taints, node selectors, images)");
        }
    }

    private static IEnumerable<Problem> OfHearing(ClusterView view)
    {
        foreach (var speaker in view.Answering)
        {
            foreach (var link in speaker.Links)
            {
                foreach (var peer in link.Peers)
                {
                    if (peer.Deaf)
                    {
                        yield return Problem.Error($"{peer.Link} of node {peer.Node} sends and does not hear, by what {speaker.Node} sees", "look at its cable, switch port and VLAN");
                    }
                    else if (peer is { Source: "Lease", Apart: false })
                    {
                        yield return Problem.Warning($"{speaker.Node} does not hear {peer.Node} on {link.Name}, though both are in one subnet: between them addresses fail over in 40 s",
                            "let frames of EtherType 0x88B5 pass between the nodes' ports");
                    }
                    else if (peer is { HearsUs: false, Away: false, Leaving: false })
                    {
                        yield return Problem.Warning($"{peer.Node} does not hear {speaker.Node} on {link.Name}, though it is heard", "look for one-way loss: port security, a filter, a half-broken cable");
                    }
                }
            }
        }
    }

    private static IEnumerable<Problem> OfServices(ClusterView view)
    {
        if (view.Controller is not { } controller)
        {
            foreach (var service in (view.Services ?? []).Where(static service => service is { Type: "LoadBalancer", LoadBalancerClass: null, Ingress.Count: 0 }))
            {
                yield return Problem.Error($"Service {service.Key} has no address, and no controller could be asked why", $"kubectl lb why -n {service.Key.Namespace} {service.Key.Name}");
            }

            yield break;
        }

        foreach (var service in controller.Services)
        {
            var remedy = $"kubectl lb why -n {service.Namespace} {service.Name}";
            if (service.Reason is not null)
            {
                yield return service.Addresses.Count == 0
                    ? Problem.Error($"Service {service.Namespace}/{service.Name} has no address: {service.Detail} [{service.Reason}]", remedy)
                    : Problem.Warning($"Service {service.Namespace}/{service.Name} has {string.Join(", ", service.Addresses)} and not all it asks for: {service.Detail} [{service.Reason}]", remedy);
            }

            if (service.ContendedBy is { } writer)
            {
                yield return Problem.Error($"another program, {writer}, keeps changing the status of Service {service.Namespace}/{service.Name}", "run one load balancer for it: give it a class, or stop the other");
            }
        }
    }

    private static IEnumerable<Problem> Of(AddressRow row)
    {
        var service = row.Services[0].Split('/');
        var remedy = $"kubectl lb why -n {service[0]} {service[^1]}";
        return row.State switch
        {
            nameof(AddressState.Nobody) => [Problem.Error($"{row.Address} of {string.Join(", ", row.Services)} is announced by nobody: {row.Detail}", remedy)],
            nameof(AddressState.Split) => [Problem.Error($"{row.Address} is announced by {string.Join(" and ", row.Nodes)}", "the nodes do not hear each other: see who hears whom with kubectl lb doctor")],
            nameof(AddressState.Conflict) => [Problem.Error($"{row.Address} of {string.Join(", ", row.Services)}: {row.Detail}", "find that host, and take the address out of its or the DHCP server's range")],
            nameof(AddressState.Represented) => [Problem.Warning($"{row.Address}: {row.Detail}", "it is back soon, or the address moves")],
            _ => [],
        };
    }

    private static IEnumerable<Problem> OfStrangers(ClusterView view) => view.Answering.SelectMany(static speaker => speaker.Quarantined)
        .DistinctBy(static taken => taken.Address)
        .Select(static taken => Problem.Warning($"{taken.Address} of a pool is free, but {taken.Mac} on {taken.Link} has it: it is given to nobody", "take it out of the pool, or out of that host's or the DHCP server's range"));

    private static IEnumerable<Problem> OfVersions(ClusterView view)
    {
        var versions = view.Answering.Select(static speaker => speaker.Program.Version)
            .Concat((view.Controllers ?? []).Select(static told => told.Document?.Program.Version).OfType<string>()).Distinct().Order(StringComparer.Ordinal).ToArray();
        return versions.Length > 1
            ? [Problem.Warning($"the programs have different versions: {string.Join(", ", versions)}", $"kubectl -n {view.SystemNamespace} rollout status daemonset speaker")]
            : [];
    }

    private static bool IsWindows(NodeResource node) => node.Labels.GetValueOrDefault("kubernetes.io/os") == Windows;

    private static string Missing(ProgramStatus program) =>
        string.Join("; ", (program.Missing ?? new Dictionary<string, string>()).OrderBy(static entry => entry.Key, StringComparer.Ordinal).Select(static entry => $"{entry.Key}: {entry.Value}"));
}
