using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <summary>
/// Hosts of a segment that are no speakers and answer when asked: gateways, and whoever spoke lately. A node that hears no peer asks
/// them whether it hears at all. A few are enough. One thread at a time.
/// </summary>
internal sealed class Witnesses
{
    private const int Capacity = 4;

    // Who says nothing for that long gives way to somebody new.
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(2);

    // An answer that comes later was not one.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly List<Witness> known = new(Capacity);
    private int next;

    /// <summary>When one of them last answered a question; null if none ever did.</summary>
    public TimeSpan? AnsweredAt { get; private set; }

    /// <summary>The number known.</summary>
    public int Count => known.Count;

    /// <summary>Whether another host is of use.</summary>
    public bool WantsMore(TimeSpan now) => known.Count < Capacity || known.Exists(witness => now - witness.HeardAt > Memory);

    /// <summary>A host that is no speaker says that it has an address, by an answer or by asking.</summary>
    /// <returns>Whether that answers a question.</returns>
    public bool Hear(MacAddress mac, IpAddress address, TimeSpan now, bool answer)
    {
        for (var i = 0; i < known.Count; i++)
        {
            if (known[i].Mac == mac && known[i].Address == address)
            {
                var answers = answer && known[i].AskedAt is { } asked && now - asked < Patience;
                known[i] = known[i] with { HeardAt = now, AskedAt = answers ? null : known[i].AskedAt };
                AnsweredAt = answers ? now : AnsweredAt;
                return answers;
            }
        }

        if (known.Count < Capacity)
        {
            known.Add(new Witness(mac, address, now, null));
        }
        else if (known.FindIndex(witness => now - witness.HeardAt > Memory) is >= 0 and var old)
        {
            known[old] = new Witness(mac, address, now, null);
        }

        return false;
    }

    /// <summary>Knows those whom another knew on the same segment.</summary>
    public void Remember(Witnesses former)
    {
        known.AddRange(former.known.Take(Capacity - known.Count));
        AnsweredAt ??= former.AnsweredAt;
    }

    /// <summary>Whether the address is a known host's.</summary>
    public bool Knows(IpAddress address) => known.Exists(witness => witness.Address == address);

    /// <summary>Forgets a host that turned out to be a peer.</summary>
    public void Forget(MacAddress mac) => known.RemoveAll(witness => witness.Mac == mac);

    /// <summary>Fills in whom to ask: all of them.</summary>
    /// <returns>Their number.</returns>
    public int AskAll(TimeSpan now, Span<CheckTarget> targets)
    {
        var count = Math.Min(known.Count, targets.Length);
        for (var i = 0; i < count; i++)
        {
            targets[i] = Ask(i, now);
        }

        return count;
    }

    /// <summary>The one to ask while all is well: each in turn. There is at least one.</summary>
    public CheckTarget AskOne(TimeSpan now) => Ask(next++ % known.Count, now);

    private CheckTarget Ask(int index, TimeSpan now)
    {
        known[index] = known[index] with { AskedAt = now };
        return new CheckTarget(known[index].Mac, known[index].Address, Broadcast: false);
    }

    private readonly record struct Witness(MacAddress Mac, IpAddress Address, TimeSpan HeardAt, TimeSpan? AskedAt);
}
