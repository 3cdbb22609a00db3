using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Status;

/// <summary>From a cluster at one moment to the report. Pure.</summary>
internal static class StatusMaker
{
    /// <summary>The report.</summary>
    public static StatusReport Of(ClusterView view)
    {
        var addresses = Addresses.Of(view);
        Problem[] problems = [.. Problems.Of(view, addresses)];
        return new StatusReport
        {
            Problems = [.. problems.Where(static problem => problem.Severity == "error"), .. problems.Where(static problem => problem.Severity != "error")],
            Pools = view.Controller?.Pools ?? [],
            Addresses = addresses,
            Speakers = [.. (view.Speakers ?? []).Select(told => Row(told, view))],
            Controllers = [.. (view.Controllers ?? []).Select(Row)],
        };
    }

    private static SpeakerRow Row(Told<SpeakerStatus> told, ClusterView view) => told.Document is not { } speaker
        ? new SpeakerRow { Pod = told.Pod, State = told.Failure ?? "unknown" }
        : new SpeakerRow
        {
            Pod = told.Pod,
            Node = speaker.Node,
            State = speaker.Program.Ready ? "ready" : $"not ready: {string.Join("; ", speaker.Program.Missing?.Keys.Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>())}",
            Version = speaker.Program.Version,
            Links = [.. speaker.Links.Select(static link => link.Carrier ? link.Name : $"{link.Name} (no carrier)")],
            Answering = string.Join(", ", speaker.Links.Select(static link => link.Answering.By).Distinct()),
            HeardBy = view.Answering.Count(other => other.Node != speaker.Node && Hears(other, speaker.Node)),
            Peers = view.Answering.Count(other => other.Node != speaker.Node),
            Owned = speaker.Links.Sum(static link => link.Owned),
            LastChange = speaker.Changes.Count > 0 ? speaker.Changes[0].At : null,
        };

    private static bool Hears(SpeakerStatus speaker, string node) =>
        speaker.Links.Any(link => link.Peers.Any(peer => peer.Node == node && peer.Source == "Wire"));

    private static ControllerRow Row(Told<ControllerStatus> told) => told.Document is not { } controller
        ? new ControllerRow { Pod = told.Pod, State = told.Failure ?? "unknown" }
        : new ControllerRow
        {
            Pod = told.Pod,
            State = (controller.Leading ? "leader" : "spare") + (controller.Program.Ready ? "" : ", not ready"),
            Version = controller.Program.Version,
            Services = controller.Services.Count,
            Waiting = controller.Services.Count(static service => service.Reason is not null && service.Addresses.Count == 0),
        };
}
