using LoadBalancer.Core.Ownership;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubectl.Output;
using LoadBalancer.Kubectl.Status;
using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Doctor;

/// <summary>What <c>kubectl lb doctor</c> answers; also its JSON.</summary>
internal sealed record DoctorReport
{
    /// <summary>The version of the format.</summary>
    public string ApiVersion { get; init; } = "kubectl-lb.loadbalancer/v1";

    /// <summary>Always Doctor.</summary>
    public string Kind { get; init; } = "Doctor";

    /// <summary>The findings, the worst first.</summary>
    public required IReadOnlyList<Problem> Findings { get; init; }

    /// <summary>Who hears whom.</summary>
    public required IReadOnlyList<Hearing> Hearing { get; init; }

    /// <summary>With <c>--here</c>: what the wire says of each address, seen from this machine.</summary>
    public IReadOnlyList<HereRow>? Here { get; init; }

    // Reading a cluster takes a tenth of this.
    private static readonly TimeSpan SlowApi = TimeSpan.FromSeconds(2);

    // Speakers compare no clocks; certificates, Leases' readers and people do.
    private static readonly TimeSpan ClockApart = TimeSpan.FromSeconds(10);

    /// <summary>The report. Pure.</summary>
    /// <param name="view">The cluster.</param>
    /// <param name="now">This machine's time when it was read.</param>
    /// <param name="took">How long reading it took.</param>
    /// <param name="here">What the wire says, or null.</param>
    /// <param name="rights">What the programs' rights are, or null if that was not asked.</param>
    public static DoctorReport Of(ClusterView view, DateTimeOffset now, TimeSpan took, IReadOnlyList<HereRow>? here, Rights? rights = null)
    {
        Problem[] findings =
        [
            .. StatusMaker.Of(view).Problems, .. Keys(view), .. OfRights(rights, view), .. Excluded(view), .. Mtus(view), .. Clocks(view, now),
            .. took > SlowApi ? [Problem.Warning(FormattableString.Invariant($"the API server took {took.TotalSeconds:0.0} s to tell all this"), "look at its load and its etcd")] : Array.Empty<Problem>(),
            .. (here ?? []).SelectMany(static row => row.Findings),
        ];
        return new DoctorReport
        {
            Findings = [.. findings.OrderBy(static finding => finding.Severity != "error")],
            Hearing = [.. view.Answering.SelectMany(Heard)],
            Here = here,
        };
    }

    private static IEnumerable<Hearing> Heard(SpeakerStatus speaker) => speaker.Links.SelectMany(link => link.Peers.Select(peer =>
        new Hearing(speaker.Node, link.Name, peer.Node, peer.Deaf ? "deaf" : peer.Away ? "away" : peer.Source == "Lease" ? "lease" : peer.HearsUs ? "both" : "one-way")));

    // Speakers with different keys do not understand each other; the two of a rotation accept both.
    private static IEnumerable<Problem> Keys(ClusterView view)
    {
        var known = view.Answering.Where(static speaker => speaker.Key is not null).ToArray();
        foreach (var group in known.GroupBy(static speaker => speaker.Key!.Signing).OrderBy(static group => group.Count()).SkipLast(1))
        {
            var nodes = string.Join(", ", group.Select(static speaker => speaker.Node));
            var deaf = known.Where(speaker => !speaker.Key!.Accepted.Contains(group.Key)).Select(static speaker => speaker.Node).ToArray();
            yield return deaf.Length == 0
                ? Problem.Warning($"{nodes}: signs with another heartbeat key than the others, who accept it: the key is being changed", "if it stays so for minutes, see docs/configuration.md, The heartbeat key")
                : Problem.Error($"{nodes}: signs with a heartbeat key that {string.Join(", ", deaf)} does not accept: they do not hear each other", $"kubectl -n {view.SystemNamespace} delete pod of the speakers that have the older one; see docs/configuration.md, The heartbeat key");
        }
    }

    private static IEnumerable<Problem> OfRights(Rights? rights, ClusterView view) => rights switch
    {
        null => [],
        { Missing: null } => [Problem.Warning("whether the programs have their rights could not be asked", "ask somebody who may create subjectaccessreviews, as administrators may")],
        { Missing: var missing } => missing.GroupBy(static right => (right.Program, right.Resource, right.Namespace, right.Name)).Select(group => Problem.Error(
            $"the {group.Key.Program} may not {string.Join(", ", group.Select(static right => right.Verb))} {group.Key.Resource}{(group.Key.Name is { } name ? $" {name}" : "")}{(group.Key.Namespace.Length > 0 ? $" in {group.Key.Namespace}" : "")}",
            $"apply the manifests again (the roles are in manifests/loadbalancer.yaml), and see: kubectl auth can-i --list --as system:serviceaccount:{view.SystemNamespace}:{group.Key.Program}")),
    };

    private static IEnumerable<Problem> Excluded(ClusterView view) => (view.Nodes ?? []).Where(static node => node.Labels.ContainsKey(IneligibleText.ExcludeLabel))
        .Select(static node => Problem.Warning($"node {node.Key.Name} announces nothing: it has the label {IneligibleText.ExcludeLabel}", $"kubectl label node {node.Key.Name} {IneligibleText.ExcludeLabel}-, or --ignore-exclude-label of the speakers"));

    // Links in one subnet are on one wire, and its longest frame is everybody's.
    private static IEnumerable<Problem> Mtus(ClusterView view) => view.Answering
        .SelectMany(static speaker => speaker.Links.SelectMany(link => link.Prefixes.Select(prefix => (speaker.Node, Link: link, Network: Addresses.NetworkOf(prefix)))))
        .GroupBy(static entry => entry.Network).Where(static group => group.Select(static entry => entry.Link.Mtu).Distinct().Count() > 1)
        .Select(static group => Problem.Warning($"links of one subnet have different MTUs: {string.Join(", ", group.Select(static entry => FormattableString.Invariant($"{entry.Node} {entry.Link.Name} {entry.Link.Mtu}")).Distinct())}", "set the same MTU on all of them: long packets are lost otherwise"));

    private static IEnumerable<Problem> Clocks(ClusterView view, DateTimeOffset now) => view.Answering.Where(speaker => (speaker.Program.At - now).Duration() > ClockApart)
        .Select(speaker => Problem.Warning(FormattableString.Invariant($"the clock of node {speaker.Node} and this machine's are {(speaker.Program.At - now).Duration().TotalSeconds:0} s apart"), "see whether time synchronization runs on both"));
}

/// <summary>How one node hears another.</summary>
/// <param name="Node">Who hears.</param>
/// <param name="Link">Where.</param>
/// <param name="Peer">Whom.</param>
/// <param name="How">both: and is heard; one-way: is not heard; lease: known by its Lease only; away: its speaker is; deaf: it sends and does not hear.</param>
internal sealed record Hearing(string Node, string Link, string Peer, string How);

/// <summary>What the programs may do.</summary>
/// <param name="Missing">What they need and do not have; null if whoever calls may not ask.</param>
internal sealed record Rights(IReadOnlyList<MissingRight>? Missing);

/// <summary>The report for people.</summary>
internal static class DoctorText
{
    /// <summary>Writes it.</summary>
    public static string Of(DoctorReport report, bool isColoured)
    {
        var paper = new Paper(isColoured);
        foreach (var finding in report.Findings)
        {
            paper.Line($"{finding.Severity.ToUpperInvariant()}  {finding.What}", finding.Severity == "error" ? Tone.Wrong : Tone.Notice).Line($"       {finding.Remedy}");
        }

        if (report.Findings.Count == 0)
        {
            paper.Line("Nothing was found.", Tone.Well);
        }

        var peers = report.Hearing.Select(static hearing => hearing.Peer).Concat(report.Hearing.Select(static hearing => hearing.Node)).Distinct().Order(StringComparer.Ordinal).ToArray();
        paper.Line().Table(["HEARS", .. peers], peers.Select(node => ((IReadOnlyList<string>)[node, .. peers.Select(peer => How(report, node, peer))], Tone.Plain)));
        if (report.Here is { } here)
        {
            paper.Line().Table(["ADDRESS", "ANSWERED BY", "CLUSTER SAYS", "MS", "ASKED"], here.SelectMany(static row => Lines(row)));
        }

        return paper.ToString();
    }

    private static IEnumerable<(IReadOnlyList<string>, Tone)> Lines(HereRow row)
    {
        var tone = row.Findings.Any() ? Tone.Wrong : Tone.Plain;
        var asked = $"{row.How} {string.Join(",", row.Links)}".TrimEnd();
        if (row.Answers.Count == 0)
        {
            yield return ([row.Address, row.IsOurs ? "(this machine)" : "-", row.Expected ?? "-", "-", asked], tone);
        }

        foreach (var answer in row.Answers)
        {
            yield return ([row.Address, answer.Mac, row.Expected ?? "-", answer.Milliseconds is { } took ? FormattableString.Invariant($"{took:0.0}") : "-", asked], tone);
        }
    }

    private static string How(DoctorReport report, string node, string peer) =>
        node == peer ? "." : string.Join(",", report.Hearing.Where(hearing => hearing.Node == node && hearing.Peer == peer).Select(static hearing => hearing.How).Distinct()) is { Length: > 0 } how ? how : "no";
}
