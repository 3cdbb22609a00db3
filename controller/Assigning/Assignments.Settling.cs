using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Controller.Assigning;

/// <summary>
/// When what a write gives back is free for others. Many writes are under way at once and land in any order, and who gets which address must not
/// depend on that: what <c>kubectl lb plan</c> says is then what happens. So what the first of them gives back is kept until those that were under
/// way beside it have ended, and then goes to those that wait, the oldest first.
/// </summary>
internal sealed partial class Assignments
{
    // Those that give something back, or whose Service wants more than it was given. The others change nobody's chances.
    private readonly HashSet<StatusWrite> underWay = [];
    private readonly HashSet<StatusWrite> awaited = [];
    private readonly List<ServiceRecord> settling = [];

    private void Follow(StatusWrite write, bool wantsMore)
    {
        if (write.GivesBack || wantsMore)
        {
            underWay.Add(write);
        }
    }

    private void Ended(StatusWrite write)
    {
        underWay.Remove(write);
        awaited.Remove(write);
    }

    /// <summary>The status is known to show what was written and nothing else.</summary>
    private void Landed(StatusWrite write, ServiceRecord record)
    {
        if (write.GivesBack && settling.Count == 0)
        {
            // Those that are sent later are not waited for: otherwise nothing would come free while Services keep coming.
            awaited.UnionWith(underWay);
        }

        if (write.GivesBack && awaited.Count > 0)
        {
            record.IsSettling = true;
            settling.Add(record);
        }
        else
        {
            somethingBecameFree |= allocator.Settle(IdOf(write.Service.Key));
        }
    }

    private void SettleIfAllEnded()
    {
        if (settling.Count == 0 || awaited.Count > 0)
        {
            return;
        }

        var ended = settling.OrderBy(static record => record.Age).ToArray();
        settling.Clear();
        foreach (var record in ended)
        {
            record.IsSettling = false;
            somethingBecameFree |= allocator.Settle(IdOf(record.Age.Key));
        }

        ServeWaiting();
        foreach (var record in ended.Where(static record => record.LookAgain))
        {
            record.LookAgain = false;
            Plan(record.Age.Key);
        }
    }

    private void ForgetSettling()
    {
        settling.ForEach(static record => record.IsSettling = false);
        settling.Clear();
        awaited.Clear();
        underWay.Clear();
    }

    private static bool GivesBack(IEnumerable<IpAddress> held, IReadOnlyList<IpAddress> addresses) => held.Any(address => !addresses.Contains(address));
}
