using LoadBalancer.Controller.Assigning;
using LoadBalancer.Controller.Exclusions;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;
using LoadBalancer.Hosting;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Facts;
using LoadBalancer.Kubernetes.Report;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Status;

namespace LoadBalancer.Controller.Report;

/// <summary>Makes the controller's <c>/status</c>: of the leader from what it decided, of another replica from what it would decide.</summary>
internal sealed class ControllerReport
{
    /// <summary>This replica's name among the candidates.</summary>
    public required string Replica { get; init; }

    /// <summary>The programs' namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>The wall clock.</summary>
    public required TimeProvider WallClock { get; init; }

    /// <summary>Whether this replica leads, and who does.</summary>
    public required Func<(bool Leading, string Leader)> Leadership { get; init; }

    /// <summary>What is known of the cluster.</summary>
    public required ControllerStores Stores { get; init; }

    /// <summary>The state of the ConfigMap.</summary>
    public required Func<PoolConfigStatus> Pools { get; init; }

    /// <summary>The addresses that are not given out.</summary>
    public required Func<IReadOnlyList<Exclusion>> Exclusions { get; init; }

    /// <summary>Asks the leader's loop; the task's result is null if this replica does not give out addresses.</summary>
    public required Func<Func<Assignments, IReadOnlyList<AssignmentStatus>>, Task<IReadOnlyList<AssignmentStatus>?>> AskLeader { get; init; }

    /// <summary>The class served, or null.</summary>
    public string? ServedClass { get; init; }

    /// <summary>Whether the program can do its work.</summary>
    public required Readiness Readiness { get; init; }

    /// <summary>Whether the watches work.</summary>
    public required Func<bool> IsCurrent { get; init; }

    /// <summary>Whether a speaker's Lease is held and renewed.</summary>
    public required Func<ObjectKey, bool> IsFresh { get; init; }

    /// <summary>Where addresses are.</summary>
    public required AddressBook Book { get; init; }

    /// <summary>What was seen to change.</summary>
    public required History History { get; init; }

    /// <summary>What was told.</summary>
    public required RememberedEvents Events { get; init; }

    /// <summary>Makes the document.</summary>
    public async Task<ControllerStatus> MakeAsync()
    {
        var now = WallClock.GetUtcNow();
        var (leading, leader) = Leadership();
        var (pools, excluded) = (Pools(), Exclusions());
        var config = pools.Config ?? PoolConfig.Empty;
        var speakers = Speakers.Of(Stores, IsFresh);
        var services = await AskLeader(assignments => [.. assignments.Known(now)]).ConfigureAwait(false) ?? Rehearse(pools.Config, excluded);
        var status = new ControllerStatus
        {
            Program = new ProgramStatus
            {
                Version = ProgramIdentity.Version,
                StartedAt = ProgramIdentity.StartedAt,
                At = now,
                Ready = Readiness.IsReady,
                Missing = Readiness.IsReady ? null : Readiness.Missing,
            },
            Replica = Replica,
            Leading = leading,
            Leader = leader,
            Current = IsCurrent(),
            Configuration = ConfigurationReport.Of(pools),
            LoadBalancerClass = ServedClass,
            Pools = Describe(config, services),
            Services = services,
            Excluded = [.. excluded.Select(exclusion => (Exclusion: exclusion, Pool: config.Find(exclusion.Address))).Where(static e => e.Pool is not null).Select(static e => Describe(e.Exclusion, e.Pool!))],
            Overlaps = [.. ClusterRange.Overlaps(config, ClusterRange.In(Stores))],
            Addresses = AddressesOf(services, config, speakers),
            Nodes = speakers.Nodes,
            Changes = Events.Latest,
            History = History.Latest,
        };
        return status with { Problems = Findings.Of(status, Namespace) };
    }

    // Both /status and the page ask.
    private IReadOnlyList<AddressStatus> AddressesOf(IReadOnlyList<AssignmentStatus> services, PoolConfig config, Speakers speakers)
    {
        lock (Book)
        {
            return Book.Of(services, config, speakers);
        }
    }

    private static IReadOnlyList<PoolStatus> Describe(PoolConfig config, IReadOnlyList<AssignmentStatus> services)
    {
        var used = services.SelectMany(static service => service.Addresses).Distinct(StringComparer.Ordinal)
            .Select(static text => IpAddress.TryParse(text, out var address) ? address : default).CountBy(address => config.Find(address)?.Name ?? "").ToDictionary();
        return [.. config.Pools.Select(pool => new PoolStatus
        {
            Name = pool.Name,
            Ranges = [.. pool.Ranges.Select(static range => range.ToString())],
            Reserved = [.. pool.Reserved.Select(static range => range.ToString())],
            Size = (double)pool.Size,
            InUse = used.GetValueOrDefault(pool.Name),
            AutoAssign = pool.AutoAssign,
            AvoidBuggyIps = pool.AvoidBuggyIps,
            Priority = pool.Priority,
            Restricted = pool.Namespaces.Count + pool.NamespaceSelectors.Count + pool.ServiceSelectors.Count > 0,
            Interfaces = pool.Interfaces,
        })];
    }

    private static ExcludedStatus Describe(Exclusion exclusion, Pool pool) => new()
    {
        Address = exclusion.Address.ToString(),
        Pool = pool.Name,
        Kind = exclusion.Kind.ToString(),
        Detail = exclusion.Detail,
        Reason = exclusion.Reason,
    };

    private IReadOnlyList<AssignmentStatus> Rehearse(PoolConfig? config, IReadOnlyList<Exclusion> excluded) =>
    [
        .. Rehearsal.Start(config, excluded, Stores.Services.All().Select(service => ServiceFactsReader.Read(service, Stores.LabelsOf(service.Key.Namespace), ServedClass)))
            .Services.Where(static service => service.Decision is not Decision.Leave).Select(static service => new AssignmentStatus
            {
                Namespace = service.Facts.Id.Namespace,
                Name = service.Facts.Id.Name,
                Addresses = [.. service.Before.Select(static entry => entry.ToString())],
                Reason = service.Decision.Refusal?.Reason.ToString(),
                Detail = service.Decision.Refusal?.Text,
            }),
    ];
}
