using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubectl.Output;

namespace LoadBalancer.Kubectl.Plan;

/// <summary>What a configuration would do to a Service.</summary>
internal enum Effect
{
    /// <summary>It has what it had.</summary>
    Keeps,

    /// <summary>It has other addresses.</summary>
    Moves,

    /// <summary>It had something and has nothing.</summary>
    Loses,

    /// <summary>It had nothing and has something.</summary>
    Gets,

    /// <summary>It had nothing, and goes on having nothing.</summary>
    Waits,
}

/// <summary>One Service in a plan.</summary>
/// <param name="Service">As namespace/name.</param>
/// <param name="Effect">What becomes of it.</param>
/// <param name="Before">What its status shows.</param>
/// <param name="After">What it would have.</param>
/// <param name="Why">Why it moves, loses or waits, or does not have all that it asks for; absent otherwise.</param>
internal sealed record PlannedService(string Service, string Effect, IReadOnlyList<string> Before, IReadOnlyList<string> After, string? Why);

/// <summary>What <c>kubectl lb plan</c> answers; also its JSON.</summary>
internal sealed record PlanReport
{
    /// <summary>The version of the format.</summary>
    public string ApiVersion { get; init; } = "kubectl-lb.loadbalancer/v1";

    /// <summary>Always Plan.</summary>
    public string Kind { get; init; } = "Plan";

    /// <summary>Each Service that has an address or asks for one, the oldest first.</summary>
    public required IReadOnlyList<PlannedService> Services { get; init; }

    /// <summary>What could not be looked at, so that the plan may differ from what happens.</summary>
    public IReadOnlyList<string> Reservations { get; init; } = [];

    /// <summary>Whether nobody moves, loses or waits.</summary>
    public bool Well => Services.All(static service => service.Effect is nameof(Plan.Effect.Keeps) or nameof(Plan.Effect.Gets));

    /// <summary>Plays the change through with the controller's planner.</summary>
    /// <param name="current">The configuration in force; null if there is none.</param>
    /// <param name="next">The one to be applied.</param>
    /// <param name="exclusions">The addresses that are not given out.</param>
    /// <param name="services">All Services.</param>
    public static PlanReport Of(PoolConfig? current, PoolConfig next, IReadOnlyList<Exclusion> exclusions, IEnumerable<ServiceFacts> services)
    {
        var rehearsal = Rehearsal.Start(current, exclusions, services);
        rehearsal.Reconfigure(next);
        return new PlanReport { Services = [.. rehearsal.Services.Where(static service => service.Decision is not Decision.Leave).Select(Describe)] };
    }

    private static PlannedService Describe(RehearsedService service)
    {
        var before = service.Before.Select(static entry => entry.ToString()).ToArray();
        var after = (service.Assignment?.Addresses ?? []).Select(static address => address.ToString()).ToArray();
        var effect = (before.Length, after.Length) switch
        {
            (0, 0) => Plan.Effect.Waits,
            (0, _) => Plan.Effect.Gets,
            (_, 0) => Plan.Effect.Loses,
            _ => before.ToHashSet(StringComparer.Ordinal).SetEquals(after) ? Plan.Effect.Keeps : Plan.Effect.Moves,
        };
        var why = effect is Plan.Effect.Moves or Plan.Effect.Loses ? service.Cause ?? service.Decision.Refusal : service.Decision.Refusal;
        return new PlannedService(service.Facts.Id.ToString(), effect.ToString(), before, after, why?.ToString());
    }
}

/// <summary>The plan for people.</summary>
internal static class PlanText
{
    /// <summary>Writes it: what changes first.</summary>
    public static string Of(PlanReport report, bool isColoured)
    {
        var paper = new Paper(isColoured);
        foreach (var reservation in report.Reservations)
        {
            paper.Line($"Note: {reservation}", Tone.Notice);
        }

        var changed = report.Services.Where(static service => service.Effect != nameof(Effect.Keeps) || service.Why is not null).ToArray();
        if (changed.Length > 0)
        {
            paper.Table(["SERVICE", "", "NOW", "THEN", "WHY"], changed.OrderByDescending(static service => Enum.Parse<Effect>(service.Effect) == Effect.Loses).Select(static service => Row(service)));
        }

        var counts = Enum.GetValues<Effect>().Select(effect => (effect, report.Services.Count(service => service.Effect == effect.ToString())))
            .Where(static entry => entry.Item2 > 0).Select(static entry => FormattableString.Invariant($"{entry.Item2} {Word(entry.effect)}"));
        return paper.Line(report.Services.Count == 0 ? "No Service has an address or asks for one." : string.Join(", ", counts), report.Well ? Tone.Well : Tone.Notice).ToString();
    }

    private static string Word(Effect effect) => effect switch
    {
        Effect.Keeps => "keep what they have",
        Effect.Moves => "move",
        Effect.Loses => "lose their address",
        Effect.Gets => "get one",
        _ => "wait",
    };

    private static (IReadOnlyList<string>, Tone) Row(PlannedService service) =>
        ([service.Service, service.Effect, Or(service.Before), Or(service.After), service.Why ?? ""], service.Effect is nameof(Effect.Loses) ? Tone.Wrong : service.Effect is nameof(Effect.Moves) or nameof(Effect.Waits) ? Tone.Notice : Tone.Plain);

    private static string Or(IReadOnlyList<string> addresses) => addresses.Count == 0 ? "-" : string.Join(",", addresses);
}
