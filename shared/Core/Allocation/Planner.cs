using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Allocation;

/// <summary>
/// Decides what is to be done about a Service. Pure: looks at the facts and at who has what, and changes neither; whoever asks records
/// the outcome with <see cref="Allocator.Assign"/>.
/// </summary>
public static class Planner
{
    /// <summary>
    /// Records the addresses a Service's status shows, as far as it may keep them. Called for all Services, oldest first, before the
    /// first address is given out: so a restart changes nothing, and of two that claim one address the older keeps it.
    /// </summary>
    /// <returns>What the Service has; null if nothing.</returns>
    public static Assignment? Adopt(ServiceFacts facts, Allocator allocator)
    {
        if (facts.Eligibility is not (Eligibility.Eligible or Eligibility.BeingDeleted) || allocator.Config is null)
        {
            return null;
        }

        var adopted = CurrentAddresses.Judge(facts, Wanted(facts), allocator, asShown: true).Assignment;
        allocator.Adopt(facts.Id, facts.Sharing, adopted);
        return adopted;
    }

    /// <summary>
    /// Holds what a status shows without right, where nobody has it by right: nobody else gets it before the status no longer shows it.
    /// Called for all Services after all were adopted. It covers the Services of other load balancers too: two that serve one range side by
    /// side, as during a migration, must not meet on one address.
    /// </summary>
    public static void HoldShown(ServiceFacts facts, Allocator allocator)
    {
        if (facts.Status.Count > 0)
        {
            allocator.Assign(facts.Id, facts.Sharing, allocator.Find(facts.Id), facts.ShownAddresses);
        }
    }

    /// <summary>Decides. A working address is not given up before something feasible takes its place.</summary>
    public static Decision Plan(ServiceFacts facts, Allocator allocator)
    {
        switch (facts.Eligibility)
        {
            case Eligibility.ForeignClass:
                return new Decision.Leave(AllocationReason.ForeignClass);
            case Eligibility.NotLoadBalancer when !IsOurs(facts, allocator):
                return new Decision.Leave(AllocationReason.NotLoadBalancer);
            case Eligibility.NotLoadBalancer or Eligibility.NoClusterIP:
                var reason = Refusals.NotEligible(facts.Eligibility);
                return facts.Status.Count > 0 ? new Decision.Clear(Shown(facts), reason) : new Decision.Leave(reason.Reason);
        }

        if (allocator.Config is null)
        {
            // Nothing can be judged without pools; what works goes on working.
            return facts.Status.Count > 0
                ? new Decision.Leave(AllocationReason.NoConfiguration)
                : new Decision.Wait(Refusals.NoConfiguration);
        }

        var wanted = Wanted(facts);
        var current = CurrentAddresses.Judge(facts, wanted, allocator);
        if (facts.Eligibility == Eligibility.BeingDeleted)
        {
            return current.Assignment is null && facts.Status.Count == 0
                ? new Decision.Leave(AllocationReason.BeingDeleted)
                : Conclude(facts, current, current.Assignment, refusal: null);
        }

        var (assignment, refusal) = new AddressSearch(facts, wanted, current, allocator).Find();
        var outcome = assignment ?? current.Assignment;
        return Conclude(facts, current, outcome, refusal ?? allocator.FindApart(facts.Id, facts.Sharing, outcome?.Addresses ?? []));
    }

    /// <summary>Whether the status shows something given here: the class that would say so is gone with the type.</summary>
    private static bool IsOurs(ServiceFacts facts, Allocator allocator) =>
        allocator.Find(facts.Id) is not null || facts.ShownAddresses.Any(address => allocator.PoolOf(address) is not null);

    private static IReadOnlyList<IpFamily> Wanted(ServiceFacts facts) =>
        facts.FamilyPolicy == FamilyPolicy.SingleStack && facts.Families.Count > 1 ? [facts.Families[0]] : facts.Families;

    private static Decision Conclude(ServiceFacts facts, CurrentAddresses current, Assignment? outcome, Refusal? refusal)
    {
        if (outcome is not null)
        {
            return Shows(facts, outcome)
                ? new Decision.Keep(outcome, refusal)
                : new Decision.Set(outcome, Shown(facts), Cause(facts, current, outcome), refusal);
        }

        return facts.Status.Count > 0
            ? new Decision.Clear(Shown(facts), current.Lost ?? Refusals.StatusAltered(facts), refusal)
            : new Decision.Wait(refusal!);
    }

    /// <summary>Whether the status has each of these addresses and nothing else; their order says nothing to anyone.</summary>
    private static bool Shows(ServiceFacts facts, Assignment assignment)
    {
        if (facts.Status.Count != assignment.Addresses.Count)
        {
            return false;
        }

        foreach (var entry in facts.Status)
        {
            if (entry.Hostname.Length > 0 || !IpAddress.TryParse(entry.Ip, out var address) || !assignment.Addresses.Contains(address))
            {
                return false;
            }
        }

        // As many entries as addresses may still be one address twice.
        return assignment.Addresses.All(facts.ShownAddresses.Contains);
    }

    private static Refusal? Cause(ServiceFacts facts, CurrentAddresses current, Assignment outcome)
    {
        if (current.Lost is not null)
        {
            return current.Lost;
        }

        if (current.Addresses.Any(address => !outcome.Addresses.Contains(address)))
        {
            return facts.Request.SpecAddress.Length > 0 || facts.Request.AnnotationAddresses.Length > 0
                ? new Refusal(AllocationReason.AddressRequested, $"{facts.Request.Source} asks for it")
                : new Refusal(AllocationReason.PoolRequested, $"annotation {facts.Request.PoolKey} asks for pool '{facts.Request.Pool}'");
        }

        if (current.Addresses.Count < outcome.Addresses.Count && current.Addresses.Count == facts.Status.Count && facts.Status.Count > 0)
        {
            return new Refusal(AllocationReason.FamiliesChanged, "an address of the second family was added");
        }

        return facts.Status.Count > 0 || current.Addresses.Count > 0 ? Refusals.StatusAltered(facts) : null;
    }

    private static string[] Shown(ServiceFacts facts) => facts.Status.Select(static entry => entry.ToString()).ToArray();
}
