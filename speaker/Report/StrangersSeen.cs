using LoadBalancer.Core.Addressing;
using LoadBalancer.Speaker.Strangers;
using LoadBalancer.Status;

namespace LoadBalancer.Speaker.Report;

/// <summary>What a speaker knows of hosts that are not of the cluster; copied on the thread that watches them.</summary>
/// <param name="Conflicts">Those that use an address this node answers for.</param>
/// <param name="Quarantined">Those that have a free address of a pool.</param>
internal sealed record StrangersSeen(IReadOnlyList<StrangerSeen> Conflicts, IReadOnlyList<StrangerSeen> Quarantined)
{
    public static StrangersSeen Of(StrangerWatch watch) => new(
        [.. watch.Guards.SelectMany(static guard => guard.Conflicts.All.Select(pair => new StrangerSeen(pair.Key, pair.Value.Stranger, guard.Name, pair.Value.FirstSeen)))],
        [.. watch.Guards.SelectMany(static guard => guard.Quarantine.All.Select(taken => new StrangerSeen(taken.Address, taken.Mac, guard.Name, null)))]);
}

/// <summary>One of them.</summary>
internal sealed record StrangerSeen(IpAddress Address, MacAddress Mac, string Link, TimeSpan? Since)
{
    public StrangerStatus ToStatus(DateTimeOffset origin) => new()
    {
        Address = Address.ToString(),
        Mac = Mac.ToString(),
        Link = Link,
        Since = Since is { } since ? origin + since : null,
    };
}
