using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Hosting;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Report;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Membership;
using LoadBalancer.Speaker.Ownership;
using LoadBalancer.Speaker.Strangers;
using LoadBalancer.Status;

namespace LoadBalancer.Speaker.Report;

/// <summary>Makes the speaker's <c>/status</c>: the threads that know are asked for copies, and everything else is done here, on the asker's time.</summary>
internal sealed class SpeakerReport
{
    /// <summary>Which node this is.</summary>
    public required string Node { get; init; }

    /// <summary>The wall clock.</summary>
    public required TimeProvider WallClock { get; init; }

    /// <summary>The clock of decisions.</summary>
    public required MonotonicClock Clock { get; init; }

    /// <summary>Who decides ownership.</summary>
    public required SpeakerPipeline Pipeline { get; init; }

    /// <summary>Who knows of strangers; null for nobody.</summary>
    public StrangerWatch? Strangers { get; init; }

    /// <summary>Whether the program can do its work.</summary>
    public required Readiness Readiness { get; init; }

    /// <summary>The state of the ConfigMap.</summary>
    public required Func<PoolConfigStatus> Pools { get; init; }

    /// <summary>What was told.</summary>
    public required RememberedEvents Events { get; init; }

    /// <summary>What is wrong with the node.</summary>
    public required Func<IReadOnlyList<string>> Warnings { get; init; }

    /// <summary>Who answers on the link of this name.</summary>
    public required Func<string, AnsweringStatus> Answering { get; init; }

    /// <summary>The heartbeat keys in force.</summary>
    public Func<HeartbeatKeys?>? Keys { get; init; }

    /// <summary>Makes the document.</summary>
    /// <exception cref="FormatException">The query's address is none.</exception>
    public async Task<SpeakerStatus> MakeAsync(StatusQuery query)
    {
        IpAddress? only = query.Address is null ? null
            : IpAddress.TryParse(query.Address, out var parsed) ? parsed
            : throw new FormatException($"'{query.Address}' is not an IP address; write one such as 192.168.96.100");
        var strangers = Strangers is null ? Task.FromResult<StrangersSeen>(new([], [])) : Strangers.Inquiries.AskAsync(StrangersSeen.Of);
        var decided = await Pipeline.Inquiries.AskAsync(pass => Copy(pass, only, query.All)).ConfigureAwait(false);
        var seen = await strangers.ConfigureAwait(false);
        var origin = WallClock.GetUtcNow() - Clock.Now;
        return new SpeakerStatus
        {
            Program = new ProgramStatus
            {
                Version = ProgramIdentity.Version,
                StartedAt = ProgramIdentity.StartedAt,
                At = WallClock.GetUtcNow(),
                Ready = Readiness.IsReady,
                Missing = Readiness.IsReady ? null : Readiness.Missing,
            },
            Node = Node,
            Current = decided.Current,
            Configuration = ConfigurationReport.Of(Pools()),
            Warnings = Warnings(),
            Key = Keys?.Invoke() is { } keys ? Describe(keys) : null,
            Links = decided.Links,
            Vips = decided.Snapshot.Vips.Count,
            Addresses =
            [
                .. decided.Rows.Select(row => Describe(row, decided.Snapshot, origin)),
                .. decided.Snapshot.Unusable.Where(entry => only is null || entry.Key == only).Select(entry => Describe(entry.Key, entry.Value)),
            ],
            Conflicts = [.. seen.Conflicts.Select(conflict => conflict.ToStatus(origin))],
            Quarantined = [.. seen.Quarantined.Select(taken => taken.ToStatus(origin))],
            Candidates = decided.Candidates,
            Changes = only is null ? Events.Latest : [],
        };
    }

    // On the thread that decides.
    private Decided Copy(OwnershipPass pass, IpAddress? only, bool all)
    {
        var snapshot = Pipeline.Snapshot;
        return new Decided(
            snapshot, pass.IsCurrent, [.. pass.Turns.Select(Describe)], VipRows.Of(pass, snapshot, only, all),
            only is { } vip ? [.. VipRows.CandidatesOf(pass, snapshot, vip).Select(candidate => Describe(vip, candidate))] : null);
    }

    private LinkStatus Describe(LinkTurn turn)
    {
        var (segment, view, facts) = (turn.Segment, turn.View, turn.Segment.Link.Facts);
        return new LinkStatus
        {
            Name = facts.Name,
            Mac = facts.Mac.ToString(),
            Mtu = facts.Mtu,
            Carrier = facts.Carrier,
            Prefixes = [.. facts.Prefixes.Select(static prefix => prefix.ToString())],
            Answering = Answering(facts.Name),
            Serving = segment.Serving,
            Deaf = view.StandsDown,
            Majority = view.Majority,
            Owned = segment.Ownership.Owned,
            Represented = segment.Ownership.Represented,
            Peers = [.. view.Peers.Select(Describe)],
        };
    }

    private static KeyStatus Describe(HeartbeatKeys keys) => new()
    {
        Signing = Name(keys.Signing), Accepted = [.. keys.Accepted.Select(Name)],
    };

    private static string Name(HeartbeatKey key) => key.ClusterId.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);

    private static PeerStatus Describe(SegmentMember peer) => new()
    {
        Node = peer.Node,
        Link = peer.Link,
        Mac = peer.Mac.Value == 0 ? null : peer.Mac.ToString(),
        Source = peer.Source.ToString(),
        HearsUs = peer.HearsUs,
        Ready = peer.Ready,
        Away = peer.Away,
        Leaving = peer.Leaving,
        Holding = peer.Holding,
        Deaf = peer.Deaf,
        Apart = peer.Apart,
    };

    private static CandidateStatus Describe(IpAddress vip, (string On, LinkVerdict Verdict) candidate) => new()
    {
        Address = vip.ToString(),
        On = candidate.On,
        Node = candidate.Verdict.Node,
        Link = candidate.Verdict.Link,
        Why = candidate.Verdict.Why.ToString(),
    };

    private static VipStatus Describe(VipRow row, VipSnapshot snapshot, DateTimeOffset origin)
    {
        var nobody = row.Nobody is null ? null : AnnouncementText.Nobody(row.Facts, null, row.Nobody);
        var deputy = row.State.Part as OwnershipPart.Deputy;
        return new VipStatus
        {
            Address = row.Facts.Address.ToString(),
            Pool = row.Facts.Pool.Name,
            Services = NamesOf(snapshot.Services.GetValueOrDefault(row.Facts.Address, [])),
            Link = row.Link,
            Phase = row.State.Phase.ToString(),
            Owner = row.State.Owner,
            For = deputy?.For,
            Mac = !row.State.Answers ? null : (deputy?.Mac ?? row.LinkMac).ToString(),
            Since = row.Since is { } since ? origin + since : null,
            Reason = nobody?.Reason.ToString(),
            Detail = nobody?.Message,
            Served = row.Facts.Served,
            ServingNodes = row.Facts.ServingNodes is { } serving ? [.. serving.Order(StringComparer.Ordinal)] : null,
            SharersApart = row.Facts.SharersApart,
            Contested = row.State.Part is OwnershipPart.Holder { Contested: true },
            Doubts = row.State.Doubts,
        };
    }

    private static VipStatus Describe(IpAddress address, UnusableVip unusable) => new()
    {
        Address = address.ToString(),
        Services = NamesOf(unusable.Services),
        Phase = nameof(OwnershipPhase.Away),
        Reason = unusable.Reason.ToString(),
        Detail = unusable.Text.Message,
    };

    private static IReadOnlyList<string> NamesOf(IReadOnlyList<AnnouncedService> services) => [.. services.Select(static service => service.Key.ToString())];

    private sealed record Decided(
        VipSnapshot Snapshot, bool Current, IReadOnlyList<LinkStatus> Links, IReadOnlyList<VipRow> Rows, IReadOnlyList<CandidateStatus>? Candidates);
}
