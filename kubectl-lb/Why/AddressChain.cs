using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubectl.Status;
using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Why;

/// <summary>From an address that a Service has to who answers for it: endpoints, candidates, owner, the wire. Pure.</summary>
internal static class AddressChain
{
    /// <summary>The steps, and what is wrong if something is.</summary>
    public static (IReadOnlyList<Step> Steps, Finding? Wrong) Of(string address, ServiceId id, ClusterView view)
    {
        var told = view.Answering.SelectMany(speaker => speaker.Addresses.Where(vip => vip.Address == address).Select(vip => (Speaker: speaker, Vip: vip))).ToArray();
        if (told.Length == 0)
        {
            return Unknown(address, view);
        }

        List<Step> steps = [];
        Finding? wrong = null;
        if (told.FirstOrDefault(static entry => entry.Vip.Reason is "AddressNotInPool" or "AddressNotAnnounced").Vip is { } unusable)
        {
            steps.Add(Step.Wrong("Owner", unusable.Detail ?? unusable.Reason!));
            return (steps, new Finding($"{unusable.Detail ?? unusable.Reason} [{unusable.Reason}]", unusable.Reason == "AddressNotInPool"
                ? $"kubectl -n {view.SystemNamespace} edit configmap config" : $"kubectl -n {id.Namespace} edit service {id.Name}"));
        }

        var served = told.Any(static entry => entry.Vip.Served);
        steps.Add(served ? Step.Well("Endpoints", Serving(told[0].Vip)) : Step.Wrong("Endpoints", "no endpoint of the Service is ready"));
        var candidates = Candidates(address, view);
        steps.AddRange(candidates.Select(static candidate => Describe(candidate)));
        var owners = told.Where(static entry => entry.Vip.Phase == "Owner").ToArray();
        var deputy = told.FirstOrDefault(static entry => entry.Vip.Phase == "Deputy");
        if (owners.Length > 0)
        {
            steps.AddRange(owners.Select(owner => Step.Well("Owner", Owned(owner.Speaker, owner.Vip))));
            wrong = OnTheWire(address, owners, view, steps);
        }
        else if (deputy.Vip is not null)
        {
            steps.Add(Step.Note("Owner", $"{deputy.Vip.For}, whose speaker is away; {deputy.Speaker.Node} answers for it with {deputy.Vip.Mac}"));
        }
        else
        {
            wrong = Nobody(address, id, served, told, candidates, view);
            steps.Add(Step.Wrong("Owner", $"nobody: {wrong.Verdict}"));
        }

        return (steps, wrong);
    }

    private static (IReadOnlyList<Step>, Finding?) Unknown(string address, ClusterView view)
    {
        var next = $"kubectl -n {view.SystemNamespace} get pods -l app.kubernetes.io/component=speaker -o wide";
        var finding = view.Answering.Any()
            ? new Finding($"no speaker knows {address}: it has just been given, or the speakers serve another class", "kubectl lb status")
            : new Finding($"no speaker could be asked who announces {address}", next);
        return ([Step.Wrong("Owner", finding.Verdict)], finding);
    }

    private static string Serving(VipStatus vip) => vip.ServingNodes is { } nodes
        ? $"ready ones on {string.Join(", ", nodes)}; externalTrafficPolicy is Local, so only these nodes come into question"
            + (vip.SharersApart ? ", and none has a ready endpoint of every Service that shares the address" : "")
        : "there are ready ones; any node may announce the address";

    private static List<CandidateStatus> Candidates(string address, ClusterView view) =>
        [.. view.Answering.SelectMany(speaker => (speaker.Candidates ?? []).Where(candidate => candidate.Address == address)).DistinctBy(static candidate => (candidate.Node, candidate.Link))];

    private static Step Describe(CandidateStatus candidate) => Enum.TryParse<Ineligible>(candidate.Why, out var why)
        ? why == Ineligible.None
            ? Step.Well("Candidates", $"{candidate.Node} on {candidate.Link} may own it")
            : Step.Note("Candidates", $"{candidate.Node} on {candidate.Link} may not: {IneligibleText.Of(why, candidate.Link)} [{why}]")
        : Step.Note("Candidates", $"{candidate.Node} on {candidate.Link} may not: {candidate.Why}");

    private static string Owned(SpeakerStatus speaker, VipStatus vip) =>
        $"{speaker.Node} announces it on {vip.Link} with the hardware address {vip.Mac}, {(vip.Since is { } since ? $"for {StatusText.Age(since, speaker.Program.At)}" : "since before its speaker started")}"
        + $" (answered by the {speaker.Links.FirstOrDefault(link => link.Name == vip.Link)?.Answering.By ?? "process"})";

    private static Finding? OnTheWire(string address, (SpeakerStatus Speaker, VipStatus Vip)[] owners, ClusterView view, List<Step> steps)
    {
        Finding? wrong = null;
        if (Addresses.IsSplit(owners))
        {
            wrong = new Finding($"{address} is announced by {string.Join(" and ", owners.Select(static owner => owner.Speaker.Node))} on one segment", "kubectl lb doctor");
            steps.Add(Step.Wrong("Wire", wrong.Verdict));
        }

        if (view.Answering.SelectMany(static speaker => speaker.Conflicts).FirstOrDefault(conflict => conflict.Address == address) is { } conflict)
        {
            wrong ??= new Finding($"another host, {conflict.Mac} on {conflict.Link}, uses {address}, too", "kubectl lb doctor");
            steps.Add(Step.Wrong("Wire", $"another host, {conflict.Mac}, uses it on {conflict.Link}, too"));
        }

        foreach (var speaker in view.Answering)
        {
            foreach (var warning in speaker.Warnings)
            {
                var answersToo = warning.Contains("strictARP", StringComparison.Ordinal);
                wrong ??= answersToo ? new Finding($"node {speaker.Node}: {warning}", "kubectl -n kube-system edit configmap kube-proxy") : null;
                steps.Add(answersToo ? Step.Wrong("Wire", $"{speaker.Node}: {warning}") : Step.Note("Wire", $"{speaker.Node}: {warning}"));
            }
        }

        return wrong;
    }

    private static Finding Nobody(
        string address, ServiceId id, bool served, (SpeakerStatus Speaker, VipStatus Vip)[] told, List<CandidateStatus> candidates, ClusterView view)
    {
        var reason = told.Select(static entry => entry.Vip.Reason).FirstOrDefault(static reason => reason is not null);
        if (!served)
        {
            return new Finding($"{address} is not announced: no endpoint of the Service is ready [NoServingEndpoint]", NextCommand.Endpoints(id));
        }

        var detail = told.Select(static entry => entry.Vip.Detail).FirstOrDefault(static detail => detail is not null)
            ?? $"{address} is announced by no speaker that could be asked";
        var most = candidates.Where(static candidate => candidate.Why != nameof(Ineligible.None)).GroupBy(static candidate => candidate.Why)
            .OrderByDescending(static group => group.Count()).FirstOrDefault();
        return new Finding(reason is null ? detail : $"{detail} [{reason}]",
            most is not null && Enum.TryParse<Ineligible>(most.Key, out var why) ? NextCommand.For(why, most.First().Node, id, view.SystemNamespace) : "kubectl lb status");
    }
}

/// <summary>What is wrong, and what comes next.</summary>
/// <param name="Verdict">In a sentence.</param>
/// <param name="Next">The next command.</param>
internal sealed record Finding(string Verdict, string Next);
