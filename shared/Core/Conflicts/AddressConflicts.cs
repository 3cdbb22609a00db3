using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Conflicts;

/// <summary>What a stranger's frame for one of our VIPs changed.</summary>
public enum ConflictChange : byte
{
    /// <summary>Nothing that was not known.</summary>
    None,

    /// <summary>The address was ours alone until now.</summary>
    Began,

    /// <summary>It is in conflict with another host than was told last.</summary>
    OtherStranger,
}

/// <summary>What is to be done about a stranger's frame.</summary>
/// <param name="Change">What is to be told.</param>
/// <param name="Defend">Whether the address is to be announced once.</param>
public readonly record struct ConflictVerdict(ConflictChange Change, bool Defend);

/// <summary>One VIP that a stranger uses too.</summary>
/// <param name="Stranger">The stranger's hardware address, the latest.</param>
/// <param name="FirstSeen">When the conflict began.</param>
/// <param name="LastSeen">When a stranger last used the address.</param>
/// <param name="Frames">How many frames of strangers there were.</param>
public readonly record struct AddressConflict(MacAddress Stranger, TimeSpan FirstSeen, TimeSpan LastSeen, long Frames);

/// <summary>
/// The VIPs this node answers for on one link that somebody else uses too (RFC 5227 §2.4). Fed with facts and a monotonic <c>now</c>;
/// one thread at a time. A frame for a conflict that is known allocates nothing.
/// </summary>
/// <remarks>
/// Of the three ways RFC 5227 §2.4 leaves to a host, this is (c): a VIP is not given up, since others reach a service by it, but it is
/// defended with one announcement in ten seconds at most, so that two hosts which both insist do not fill the segment.
/// </remarks>
public sealed class AddressConflicts
{
    /// <summary>DEFEND_INTERVAL (RFC 5227 §1.1).</summary>
    public static readonly TimeSpan DefendInterval = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How often the stranger is asked whether it is still there. A quiet host may broadcast nothing for many minutes, and what it
    /// sends to others this node does not hear.
    /// </summary>
    public static readonly TimeSpan CheckInterval = TimeSpan.FromMinutes(1);

    /// <summary>A conflict is over when the stranger has not been seen for so long: it left three checks in a row unanswered.</summary>
    public static readonly TimeSpan OverAfter = TimeSpan.FromMinutes(3) + TimeSpan.FromSeconds(10);

    // Two strangers that take turns, or one that changes its address with each frame, are told once in this time.
    private static readonly TimeSpan TellAgainAfter = TimeSpan.FromMinutes(1);

    private readonly Dictionary<IpAddress, State> states = [];
    private readonly List<IpAddress> gone = [];

    /// <summary>The number of VIPs in conflict.</summary>
    public int Count => states.Count;

    /// <summary>The VIPs in conflict.</summary>
    public IEnumerable<KeyValuePair<IpAddress, AddressConflict>> All =>
        states.Select(static pair => KeyValuePair.Create(pair.Key, pair.Value.Conflict));

    /// <summary>A stranger used a VIP that this node answers for.</summary>
    public ConflictVerdict Observe(IpAddress vip, MacAddress stranger, TimeSpan now)
    {
        if (!states.TryGetValue(vip, out var state))
        {
            states.Add(vip, new State(stranger, now));
            return new ConflictVerdict(ConflictChange.Began, Defend: true);
        }

        state.Conflict = state.Conflict with { Stranger = stranger, LastSeen = now, Frames = state.Conflict.Frames + 1 };
        var defend = now - state.DefendedAt >= DefendInterval;
        state.DefendedAt = defend ? now : state.DefendedAt;
        var tell = stranger != state.Told && now - state.ToldAt >= TellAgainAfter;
        (state.Told, state.ToldAt) = tell ? (stranger, now) : (state.Told, state.ToldAt);
        return new ConflictVerdict(tell ? ConflictChange.OtherStranger : ConflictChange.None, defend);
    }

    /// <summary>Lets time pass: ends what is over and says whom to ask for.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="over">Receives the conflicts that are over.</param>
    /// <param name="checks">Receives the VIPs to send a probe for.</param>
    public void Advance(TimeSpan now, List<KeyValuePair<IpAddress, AddressConflict>> over, List<IpAddress> checks)
    {
        gone.Clear();
        foreach (var (vip, state) in states)
        {
            if (now - state.Conflict.LastSeen >= OverAfter)
            {
                gone.Add(vip);
            }
            else if (now - state.CheckedAt >= CheckInterval)
            {
                state.CheckedAt = now;
                checks.Add(vip);
            }
        }

        foreach (var vip in gone)
        {
            states.Remove(vip, out var state);
            over.Add(KeyValuePair.Create(vip, state!.Conflict));
        }
    }

    /// <summary>Forgets a VIP: this node does not answer for it any more, and what is to be said about it is for others to say.</summary>
    public void Drop(IpAddress vip) => states.Remove(vip);

    private sealed class State(MacAddress stranger, TimeSpan now)
    {
        internal AddressConflict Conflict { get; set; } = new(stranger, now, now, 1);

        internal TimeSpan DefendedAt { get; set; } = now;

        internal TimeSpan CheckedAt { get; set; } = now;

        internal MacAddress Told { get; set; } = stranger;

        internal TimeSpan ToldAt { get; set; } = now;
    }
}
