using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Conflicts;

/// <summary>A free address of a pool that a stranger has.</summary>
/// <param name="Address">The address.</param>
/// <param name="Mac">The stranger's hardware address, the latest.</param>
public readonly record struct TakenAddress(IpAddress Address, MacAddress Mac);

/// <summary>
/// The free pool addresses that strangers were seen on, on one segment. Fed with facts and a monotonic <c>now</c>; one thread at a time.
/// </summary>
/// <param name="timings">How they are probed.</param>
public sealed class Quarantine(ProbeTimings timings)
{
    /// <summary>
    /// The most addresses it holds. All of them travel in an annotation; a pool with more strangers than this is one to move.
    /// </summary>
    public const int Capacity = 256;

    private readonly Dictionary<IpAddress, State> states = [];
    private readonly List<IpAddress> gone = [];

    /// <summary>Rises with each change of what <see cref="All"/> says.</summary>
    public int Version { get; private set; }

    /// <summary>The number of addresses.</summary>
    public int Count => states.Count;

    /// <summary>The addresses, in no particular order.</summary>
    public IEnumerable<TakenAddress> All => states.Select(static pair => new TakenAddress(pair.Key, pair.Value.Mac));

    /// <summary>Whether the address is in it.</summary>
    public bool Contains(IpAddress address) => states.ContainsKey(address);

    /// <summary>A stranger was seen on a free address.</summary>
    /// <returns>Whether that is news; false also if there is no room.</returns>
    public bool See(IpAddress address, MacAddress stranger, TimeSpan now)
    {
        if (states.TryGetValue(address, out var state))
        {
            Version += state.Mac == stranger ? 0 : 1;
            states[address] = new State(stranger, now, Unanswered: 0, ProbedAt: now);
            return false;
        }

        if (states.Count >= Capacity)
        {
            return false;
        }

        states.Add(address, new State(stranger, now, Unanswered: 0, ProbedAt: now));
        Version++;
        return true;
    }

    /// <summary>A probe for the address was sent.</summary>
    public void NoteProbe(IpAddress address, TimeSpan now)
    {
        if (states.TryGetValue(address, out var state))
        {
            states[address] = state with { Unanswered = state.Unanswered + 1, ProbedAt = now };
        }
    }

    /// <summary>Lets time pass.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="probing">
    /// Whether this node probes. It lets go of an address whose probes stay unanswered; another node, which asks nobody, of one it has
    /// not seen in use for twice as long as that takes.
    /// </param>
    /// <param name="freed">Receives the addresses that count as free again.</param>
    public void Advance(TimeSpan now, bool probing, List<TakenAddress> freed)
    {
        gone.Clear();
        foreach (var (address, state) in states)
        {
            if (probing
                ? state.Unanswered >= timings.LooksUntilFree * timings.Probes && now - state.ProbedAt >= timings.AnswerTime
                : now - state.SeenAt >= 2 * timings.LooksUntilFree * timings.TakenInterval)
            {
                gone.Add(address);
            }
        }

        foreach (var address in gone)
        {
            states.Remove(address, out var state);
            freed.Add(new TakenAddress(address, state.Mac));
            Version++;
        }
    }

    /// <summary>Lets go of addresses that are no longer free addresses of a pool, without further ado.</summary>
    public void Retain(Func<IpAddress, bool> isFree)
    {
        gone.Clear();
        foreach (var address in states.Keys)
        {
            if (!isFree(address))
            {
                gone.Add(address);
            }
        }

        foreach (var address in gone)
        {
            states.Remove(address);
            Version++;
        }
    }

    private readonly record struct State(MacAddress Mac, TimeSpan SeenAt, int Unanswered, TimeSpan ProbedAt);
}
