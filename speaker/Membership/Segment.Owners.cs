using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Speaker.Membership;

/// <content>Whether owners answer for what they claim.</content>
public sealed partial class Segment
{
    private readonly AnswerWatch watch = new();

    /// <summary>Takes in that somebody answered a question for an address. Waits for nobody.</summary>
    public void HearAnswer(MacAddress mac, IpAddress address) => watch.Answered(address, mac);

    /// <summary>Takes in which owners are to be asked whether they answer for what they claim, as far as this node is the one to look; for the ownership thread only.</summary>
    /// <param name="vips">The VIPs.</param>
    /// <param name="election">Who is alive and fit.</param>
    /// <param name="now">Monotonic time.</param>
    public void WatchOwners(IReadOnlyDictionary<IpAddress, VipFacts> vips, SegmentElection election, TimeSpan now)
    {
        watch.Begin();
        foreach (var (vip, facts) in vips)
        {
            WatchOwner(vip, facts, election, now);
        }

        watch.End();
    }

    /// <summary>The same for some VIPs; the others are watched, or not, as before.</summary>
    public void WatchOwners(IEnumerable<IpAddress> some, IReadOnlyDictionary<IpAddress, VipFacts> vips, SegmentElection election, TimeSpan now)
    {
        foreach (var vip in some)
        {
            if (!vips.TryGetValue(vip, out var facts) || !WatchOwner(vip, facts, election, now))
            {
                watch.Unwatch(vip);
            }
        }
    }

    private bool WatchOwner(IpAddress vip, VipFacts facts, SegmentElection election, TimeSpan now)
    {
        var state = Ownership[vip];
        if (state.Phase != OwnershipPhase.Away || state.Owner is not { } owner || election.Watches(facts, owner) is not { } mac)
        {
            return false;
        }

        watch.Watch(vip, owner, mac, now);
        return true;
    }

    /// <summary>Asks those owners whose turn it is; for the ownership thread only.</summary>
    /// <returns>When to call again, or null.</returns>
    public TimeSpan? AskOwners(TimeSpan now)
    {
        while (watch.Next(now) is { } question)
        {
            Link.Ask(new CheckTarget(question.Mac, question.Vip, Broadcast: false));
        }

        return watch.NextDue;
    }

    /// <summary>Whether the questions came to something that the next decision has to know of; for the ownership thread only.</summary>
    public bool HasDoubts => watch.HasDoubts;

    /// <summary>Brings what the questions came to before the next decision; for the ownership thread only.</summary>
    /// <returns>The number of VIPs whose owner is newly doubted.</returns>
    public int NoteDoubts(IEnumerable<IpAddress> vips)
    {
        var count = 0;
        foreach (var vip in vips)
        {
            var doubted = watch.Doubted(vip);
            count += doubted is not null && Ownership[vip].Doubts is null ? 1 : 0;
            Ownership.Doubt(vip, doubted);
        }

        return count;
    }
}
