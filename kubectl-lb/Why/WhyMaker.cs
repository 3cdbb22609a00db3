using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Facts;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubectl.Why;

/// <summary>The whole chain of one Service, each link with its reason: class, pools, address, endpoints, candidates, owner, the wire. Pure.</summary>
internal static class WhyMaker
{
    /// <summary>The report.</summary>
    public static WhyReport Of(ObjectKey key, ClusterView view)
    {
        List<Step> steps = [.. view.Unread.Select(static unread => Step.Wrong("Unread", $"{unread.What}: {unread.Why}"))];
        if (view.Services is null)
        {
            return Report(key, steps, new Finding("the Services could not be read", $"kubectl auth can-i list services -A"));
        }

        if (view.Services.FirstOrDefault(service => service.Key == key) is not { } service)
        {
            steps.Add(Step.Wrong("Service", $"there is no Service {key}"));
            return Report(key, steps, new Finding($"there is no Service {key}", $"kubectl get services -A --field-selector metadata.name={key.Name}"));
        }

        var facts = ServiceFactsReader.Read(service, view.LabelsOf(key.Namespace), view.Controller?.LoadBalancerClass);
        if (NotServed(service, facts, view, steps) is { } end)
        {
            return Report(key, steps, end);
        }

        AddPools(facts, view, steps);
        if (AddAddress(service, facts, view, steps) is { } refused && service.Ingress.Count == 0)
        {
            return Report(key, steps, refused);
        }

        Finding? wrong = steps.Exists(static step => step is { Name: "Address", State: Step.WrongState }) ? AddressFinding(facts, view) : null;
        foreach (var ingress in service.Ingress.Where(static ingress => ingress.Ip.Length > 0))
        {
            var (chain, found) = AddressChain.Of(ingress.Ip, facts.Id, view);
            steps.AddRange(service.Ingress.Count > 1 ? chain.Select(step => step with { Text = $"{ingress.Ip}: {step.Text}" }) : chain);
            wrong ??= found;
        }

        return Report(key, steps, wrong, string.Join(" and ", service.Ingress.Select(static ingress => ingress.Ip)), view);
    }

    /// <summary>The addresses to ask the speakers about.</summary>
    public static IReadOnlyList<string> AddressesOf(ServiceResource? service) =>
        [.. (service?.Ingress ?? []).Select(static ingress => ingress.Ip).Where(static ip => IpAddress.TryParse(ip, out _))];

    private static WhyReport Report(ObjectKey key, List<Step> steps, Finding wrong) =>
        new() { Service = key.ToString(), Well = false, Steps = steps, Verdict = wrong.Verdict, Next = wrong.Next };

    private static WhyReport Report(ObjectKey key, List<Step> steps, Finding? wrong, string addresses, ClusterView view)
    {
        var nodes = view.Answering.Where(speaker => speaker.Addresses.Any(vip => vip.Phase is "Owner" or "Deputy" && addresses.Contains(vip.Address, StringComparison.Ordinal)))
            .Select(static speaker => speaker.Node).Distinct().ToArray();
        return wrong is not null ? Report(key, steps, wrong) : new WhyReport
        {
            Service = key.ToString(),
            Well = true,
            Steps = steps,
            Verdict = $"Service {key} is reached at {addresses}, announced from {string.Join(", ", nodes)}",
            Next = $"curl http://{(addresses.Contains(':', StringComparison.Ordinal) ? $"[{addresses.Split(' ')[0]}]" : addresses.Split(' ')[0])}/   # from a host of the LAN; it does not answer: arping, then docs/runbook.md",
        };
    }

    private static Finding? NotServed(ServiceResource service, ServiceFacts facts, ClusterView view, List<Step> steps)
    {
        var served = view.Controller?.LoadBalancerClass is { } known ? $"the class '{known}'" : "the Services without a class";
        var (reason, text) = facts.Eligibility switch
        {
            Eligibility.NotLoadBalancer => (AllocationReason.NotLoadBalancer, $"spec.type is {service.Type}, not LoadBalancer: it has no address of the LAN"),
            Eligibility.ForeignClass => (AllocationReason.ForeignClass,
                $"spec.loadBalancerClass is {(service.LoadBalancerClass is { } its ? $"'{its}'" : "absent")}, and {served} are served here: it is another load balancer's"),
            Eligibility.NoClusterIP => (AllocationReason.NoClusterIP, "it has no cluster IP (headless): there is nothing for the nodes to send its traffic to"),
            Eligibility.BeingDeleted => (AllocationReason.BeingDeleted, "it is being deleted: it keeps what it has and gets nothing new"),
            _ => (default, ""),
        };
        if (text.Length == 0)
        {
            steps.Add(Step.Well("Service", $"spec.type is LoadBalancer, and its class is served here ({served})"));
            return null;
        }

        steps.Add(Step.Wrong("Service", $"{text} [{reason}]"));
        return new Finding($"{text} [{reason}]", NextCommand.For(reason, facts.Id, view.SystemNamespace));
    }

    private static void AddPools(ServiceFacts facts, ClusterView view, List<Step> steps)
    {
        if (view.ConfigText is null)
        {
            steps.Add(Step.Note("Pools", "the ConfigMap could not be read, or is not there"));
            return;
        }

        if (PoolConfigText.Read(view.ConfigText) is not { Config: { } config } refused)
        {
            steps.Add(Step.Wrong("Pools", $"the ConfigMap is refused: {PoolConfigText.Read(view.ConfigText).Problems[0]}; an earlier configuration may be in force"));
            return;
        }

        _ = refused;
        steps.AddRange(PoolVerdict.Of(config, facts).Select(verdict => verdict.Refusal == PoolRefusal.None
            ? Step.Well("Pools", $"'{verdict.Pool.Name}' comes into question{Use(verdict.Pool.Name, view)}")
            : Step.Note("Pools", $"'{verdict.Pool.Name}' does not: {TextOf(verdict.Refusal, facts)} [{verdict.Refusal}]")));
    }

    private static string Use(string pool, ClusterView view) => view.Controller?.Pools.FirstOrDefault(known => known.Name == pool) is { } use
        ? FormattableString.Invariant($" ({use.InUse} of {use.Size:0} addresses are in use)") : "";

    /// <summary>Why a pool gives this Service nothing.</summary>
    public static string TextOf(PoolRefusal refusal, ServiceFacts facts) => refusal switch
    {
        PoolRefusal.OtherPoolRequested => $"the annotation {facts.Request.PoolKey} asks for '{facts.Request.Pool}'",
        PoolRefusal.OtherAddressRequested => "the address that is asked for is not in it",
        PoolRefusal.NotForService => "its namespaces or selectors do not match the Service",
        PoolRefusal.OnRequestOnly => "it gives only to who asks for it (auto-assign: false)",
        PoolRefusal.NoSuchFamily => $"it has no {string.Join(" or ", facts.Families)} address",
        _ => throw new ArgumentOutOfRangeException(nameof(refusal), refusal, "it is no refusal"),
    };

    // Adds what became of the address; the finding if there is none.
    private static Finding? AddAddress(ServiceResource service, ServiceFacts facts, ClusterView view, List<Step> steps)
    {
        var finding = AddressFinding(facts, view);
        if (service.Ingress.Count > 0)
        {
            var asked = facts.Request.SpecAddress.Length > 0 || facts.Request.AnnotationAddresses.Length > 0;
            steps.Add(Step.Well("Address", $"{string.Join(" and ", service.Ingress.Select(static point => point.Ip + point.Hostname))}, "
                + (asked && finding is null ? "which it asked for" : facts.Request.Pool.Length > 0 && finding is null ? $"of the pool it asked for, '{facts.Request.Pool}'" : "the lowest that was free, and kept since")));
        }

        if (finding is not null)
        {
            steps.Add(Step.Wrong("Address", finding.Verdict));
            return finding;
        }

        if (service.Ingress.Count > 0)
        {
            return null;
        }

        var pending = new Finding(
            view.Controller is null ? "it has no address, and no controller could be asked why"
            : "it has no address yet: the controller has not decided, or its write is under way",
            view.Controller is null ? $"kubectl -n {view.SystemNamespace} get pods -l app.kubernetes.io/component=controller" : $"kubectl -n {facts.Id.Namespace} describe service {facts.Id.Name}");
        steps.Add(Step.Wrong("Address", pending.Verdict));
        return pending;
    }

    private static Finding? AddressFinding(ServiceFacts facts, ClusterView view)
    {
        if (view.Controller?.Services.FirstOrDefault(known => known.Namespace == facts.Id.Namespace && known.Name == facts.Id.Name) is not { } known)
        {
            return null;
        }

        return known.ContendedBy is { } writer
            ? new Finding($"another program, {writer}, keeps changing its status [{AllocationReason.StatusAltered}]", NextCommand.For(AllocationReason.StatusAltered, facts.Id, view.SystemNamespace))
            : known.Reason is null ? null
            : new Finding($"{known.Detail} [{known.Reason}]", Enum.TryParse<AllocationReason>(known.Reason, out var reason)
                ? NextCommand.For(reason, facts.Id, view.SystemNamespace) : "kubectl lb status");
    }
}
