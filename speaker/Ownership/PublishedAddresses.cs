using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Kubernetes.Leases;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>
/// What this speaker's Lease says of where addresses are: those that it answers for, and, of those that nobody does, the ones whose order it is
/// first in. One thread calls <see cref="Step"/>; the texts are for any.
/// </summary>
/// <param name="wallClock">The wall clock: others are told since when by it.</param>
public sealed class PublishedAddresses(TimeProvider wallClock)
{
    /// <summary>Between two texts: the Lease is written for each, and everybody reads it.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private volatile string announces = "";
    private volatile string silent = "";
    private long decided = -1;
    private long version = -1;
    private bool isSure;
    private TimeSpan due;

    /// <summary>Raised when a text changed, on the thread of <see cref="Step"/>.</summary>
    public event Action? Changed;

    /// <summary>The value of <see cref="AnnouncedAddresses.Announces"/>.</summary>
    public string Announces => announces;

    /// <summary>The value of <see cref="AnnouncedAddresses.Silent"/>.</summary>
    public string Silent => silent;

    /// <summary>A pass is over.</summary>
    /// <param name="pass">What was decided.</param>
    /// <param name="snapshot">On which addresses.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>When to look again though nothing has changed, or null.</returns>
    public TimeSpan? Step(OwnershipPass pass, VipSnapshot snapshot, TimeSpan now)
    {
        if (pass.Decided == decided && isSure)
        {
            return null;
        }

        if (now < due)
        {
            return due;
        }

        // Who does not know the others yet has nothing to say of what nobody announces.
        isSure = pass.Turns.All(static turn => turn.Mute || turn.KnowsTheOthers);
        (decided, due) = (pass.Decided, now + Pause);
        var (was, wasSilent) = (announces, silent);
        if (pass.Times.Version != version)
        {
            version = pass.Times.Version;
            announces = AnnouncedAddresses.Of(Answered(pass, wallClock.GetUtcNow() - now));
        }

        silent = AnnouncedAddresses.Of(Unanswered(pass, snapshot));
        if (was != announces || wasSilent != silent)
        {
            Changed?.Invoke();
        }

        return null;
    }

    private static IEnumerable<AnnouncedAddress> Answered(OwnershipPass pass, DateTimeOffset origin)
    {
        foreach (var turn in pass.Turns)
        {
            foreach (var (vip, state) in turn.Segment.Ownership.All)
            {
                if (state.Answers)
                {
                    yield return new AnnouncedAddress(
                        vip, turn.Segment.Name, pass.Times.Of(turn.Segment.Name, vip) is { } since ? origin + since : null,
                        (state.Part as OwnershipPart.Deputy)?.For);
                }
            }
        }
    }

    private static IEnumerable<(string Reason, IpAddress Address)> Unanswered(OwnershipPass pass, VipSnapshot snapshot)
    {
        foreach (var facts in snapshot.Vips.Values)
        {
            if (IsAnswered(pass, facts.Address))
            {
                continue;
            }

            var home = pass.Turns.FirstOrDefault(turn => !turn.Mute && turn.KnowsTheOthers && turn.Election.Concerns(facts)) ?? pass.Turns.FirstOrDefault(static turn => !turn.Mute && turn.KnowsTheOthers);
            if (home is not null && home.Election.SelfReports(facts.ElectionAddress))
            {
                var verdicts = facts.Served ? pass.Turns.Where(static turn => !turn.Mute).SelectMany(turn => turn.Election.Explain(facts)).ToArray() : [];
                yield return (AnnouncementText.Nobody(facts, null, verdicts).Reason.ToString(), facts.Address);
            }
        }

        foreach (var (address, unusable) in snapshot.Unusable)
        {
            if (pass.Turns.FirstOrDefault(static turn => !turn.Mute && turn.KnowsTheOthers) is { } home && home.Election.SelfReports(address))
            {
                yield return (unusable.Reason.ToString(), address);
            }
        }
    }

    private static bool IsAnswered(OwnershipPass pass, IpAddress vip)
    {
        foreach (var turn in pass.Turns)
        {
            if (turn.Segment.Ownership[vip] is { Owner: not null } or { Answers: true })
            {
                return true;
            }
        }

        return false;
    }
}
