using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Allocation;

/// <summary>What became of one Service in a rehearsal.</summary>
/// <param name="Facts">The Service; its status is that at the end.</param>
/// <param name="Before">What its status showed at the beginning.</param>
/// <param name="Assignment">What it has at the end; null for nothing.</param>
/// <param name="Decision">What the planner said of it last.</param>
/// <param name="Cause">Why what it had at the beginning could not stay; null if it did, or was nothing.</param>
public sealed record RehearsedService(
    ServiceFacts Facts, IReadOnlyList<StatusEntry> Before, Assignment? Assignment, Decision Decision, Refusal? Cause);

/// <summary>
/// Plays through what a controller does with Services that nobody else changes, until there is nothing left to do: the same steps with the
/// same planner. In which order its writes land makes no difference: what they give back is given out once all of them have. One thread at a time.
/// </summary>
public sealed class Rehearsal
{
    private readonly Allocator allocator = new();
    private readonly List<Part> parts;
    private readonly SortedDictionary<int, Part> waiting = [];
    private readonly List<Part> writes = [];
    private bool somethingBecameFree;

    private Rehearsal(IEnumerable<ServiceFacts> services) =>
        parts = [.. services.Where(IsOfInterest).Order(ServiceFacts.ByAge).Select(static (facts, index) => new Part(index, facts))];

    /// <summary>How full the pools are.</summary>
    public IEnumerable<PoolUsage> Usage => allocator.Usage();

    /// <summary>The Services that have an address or ask for one, oldest first.</summary>
    public IReadOnlyList<RehearsedService> Services =>
        [.. parts.Select(part => new RehearsedService(part.Facts, part.Before, allocator.Find(part.Facts.Id), part.Decision, part.Cause))];

    /// <summary>A controller starts with these Services.</summary>
    /// <param name="config">The pools; null while there are no valid ones.</param>
    /// <param name="exclusions">The addresses that are not given out.</param>
    /// <param name="services">All Services.</param>
    public static Rehearsal Start(PoolConfig? config, IEnumerable<Exclusion> exclusions, IEnumerable<ServiceFacts> services)
    {
        var rehearsal = new Rehearsal(services);
        rehearsal.allocator.Exclude(exclusions);
        rehearsal.PutInForce(config);
        return rehearsal;
    }

    /// <summary>Another configuration is put in force; what a Service has now is what it had before.</summary>
    /// <param name="config">The pools.</param>
    public void Reconfigure(PoolConfig config)
    {
        foreach (var part in parts)
        {
            part.Before = part.Facts.Status;
            part.Cause = null;
        }

        PutInForce(config);
    }

    private static bool IsOfInterest(ServiceFacts facts) => facts.Eligibility != Eligibility.NotLoadBalancer || facts.Status.Count > 0;

    private void PutInForce(PoolConfig? config)
    {
        if (config is not null)
        {
            allocator.Configure(config);
        }

        var unheld = parts.Where(part => !allocator.Holds(part.Facts.Id)).Select(static part => part.Facts).ToArray();
        foreach (var facts in unheld)
        {
            Planner.Adopt(facts, allocator);
        }

        foreach (var facts in unheld)
        {
            Planner.HoldShown(facts, allocator);
        }

        parts.ForEach(Plan);
        ServeWaiting();
        while (writes.Count > 0)
        {
            var landed = writes.OrderBy(static part => part.Index).ToArray();
            writes.Clear();
            foreach (var part in landed)
            {
                Land(part);
            }

            ServeWaiting();
            foreach (var part in landed)
            {
                Plan(part);
            }

            ServeWaiting();
        }
    }

    private void Plan(Part part)
    {
        if (part.Writing is not null)
        {
            return; // it is looked at again when the write has landed
        }

        var (facts, decision) = (part.Facts, Planner.Plan(part.Facts, allocator));
        part.Decision = decision;
        if (decision is Decision.Leave && facts.Status.Count == 0)
        {
            somethingBecameFree |= allocator.Release(facts.Id);
            waiting.Remove(part.Index);
            return;
        }

        somethingBecameFree |= allocator.Assign(facts.Id, facts.Sharing, decision.Result, facts.ShownAddresses);
        if (decision.Refusal is null)
        {
            waiting.Remove(part.Index);
        }
        else
        {
            waiting[part.Index] = part;
        }

        if (decision is Decision.Set or Decision.Clear)
        {
            part.Cause ??= decision is Decision.Set set ? set.Cause : ((Decision.Clear)decision).Cause;
            part.Writing = decision;
            writes.Add(part);
        }
    }

    // The status shows what was written; whatever was held beside it is given back.
    private void Land(Part part)
    {
        var addresses = part.Writing!.Result?.Addresses ?? [];
        part.Facts = part.Facts with { Status = [.. addresses.Select(static address => new StatusEntry(address.ToString()))] };
        part.Writing = null;
        somethingBecameFree |= allocator.Settle(part.Facts.Id);
    }

    private void ServeWaiting()
    {
        while (somethingBecameFree)
        {
            somethingBecameFree = false;
            foreach (var part in waiting.Values.ToArray())
            {
                Plan(part);
            }
        }
    }

    private sealed class Part(int index, ServiceFacts facts)
    {
        public int Index { get; } = index;

        public ServiceFacts Facts { get; set; } = facts;

        public IReadOnlyList<StatusEntry> Before { get; set; } = facts.Status;

        public Decision Decision { get; set; } = new Decision.Leave(AllocationReason.NotLoadBalancer);

        public Decision? Writing { get; set; }

        public Refusal? Cause { get; set; }
    }
}
