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
    public static DoctorReport Of(ClusterView view, DateTimeOffset now, TimeSpan took, IReadOnlyList<HereRow>? here)
    {
        Problem[] findings =
        [
            .. StatusMaker.Of(view).Problems, .. Excluded(view), .. Mtus(view), .. Clocks(view, now),
            .. took > SlowApi ? [Problem.Warning(FormattableString.Invariant($"the API server took {took.TotalSeconds:0.0} s to tell all this"), "look at its load and its etcd")] : Array.Empty<Problem>(),
            .. (here ?? []).Select(static row => row.Finding).OfType<Problem>(),
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

/// <summary>What the wire says of one address.</summary>
/// <param name="Address">The address.</param>
/// <param name="Expected">The hardware address that the cluster believes in.</param>
/// <param name="Found">The one that this machine's neighbour table has; null for none.</param>
/// <param name="Milliseconds">How long it took to be there; absent if it was there before or did not come.</param>
internal sealed record HereRow(string Address, string? Expected, string? Found, double? Milliseconds)
{
    /// <summary>What is wrong, or null.</summary>
    internal Problem? Finding => Found is null
        ? Expected is null ? null : Problem.Error($"nobody answers for {Address} as seen from here", "is this machine in the same subnet? Otherwise look at what lies between: VLAN, Wi-Fi, port security")
        : Expected is null || string.Equals(Found, Expected, StringComparison.OrdinalIgnoreCase) ? null
        : Problem.Error($"{Found} answers for {Address} as seen from here, and the cluster believes in {Expected}", "a strange host, a node with IPVS and without strictARP, or an entry that is stale: ip neigh flush to " + Address);
}

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
            paper.Line().Table(["ADDRESS", "ANSWERED BY", "CLUSTER SAYS", "MS"], here.Select(static row => ((IReadOnlyList<string>)
                [row.Address, row.Found ?? "-", row.Expected ?? "-", row.Milliseconds is { } took ? FormattableString.Invariant($"{took:0.0}") : "-"], row.Finding is null ? Tone.Plain : Tone.Wrong)));
        }

        return paper.ToString();
    }

    private static string How(DoctorReport report, string node, string peer) =>
        node == peer ? "." : string.Join(",", report.Hearing.Where(hearing => hearing.Node == node && hearing.Peer == peer).Select(static hearing => hearing.How).Distinct()) is { Length: > 0 } how ? how : "no";
}
