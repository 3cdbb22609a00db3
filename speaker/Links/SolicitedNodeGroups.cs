using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// Keeps one link in the solicited-node groups of the addresses it answers for, and in no other. Several addresses may share a group:
/// it is joined for the first and left after the last.
/// </summary>
internal sealed class SolicitedNodeGroups : IDisposable
{
    private readonly IMulticastGroups kernel;
    private readonly HashSet<UInt128> joined = [];
    private AnswerTable followed = AnswerTable.Empty;

    internal SolicitedNodeGroups(IMulticastGroups kernel) => this.kernel = kernel;

    /// <summary>The number of groups the link is in.</summary>
    internal int Count => joined.Count;

    /// <summary>The number of groups the link should be in and is not.</summary>
    internal int Missing { get; private set; }

    /// <summary>Leaves what the table has no use for and joins what it needs, what failed before included.</summary>
    /// <returns>Null, or the first group that could not be joined and why.</returns>
    internal (IpAddress Group, string Problem)? Follow(AnswerTable table)
    {
        if (ReferenceEquals(table, followed) && Missing == 0)
        {
            return null;
        }

        followed = table;
        var wanted = new HashSet<UInt128>();
        foreach (var vip in table.IPv6Addresses)
        {
            wanted.Add(Ipv6Multicast.SolicitedNode(vip));
        }

        foreach (var group in joined.Where(group => !wanted.Contains(group)).ToList())
        {
            joined.Remove(group);
            kernel.Leave(Address(group));
        }

        return Join(wanted);
    }

    /// <summary>Leaves all.</summary>
    public void Dispose() => kernel.Dispose();

    private (IpAddress Group, string Problem)? Join(HashSet<UInt128> wanted)
    {
        (IpAddress, string)? failure = null;
        foreach (var group in wanted)
        {
            if (joined.Contains(group))
            {
                continue;
            }

            if (kernel.Join(Address(group)) is { } problem)
            {
                failure ??= (Address(group), problem);
            }
            else
            {
                joined.Add(group);
            }
        }

        Missing = wanted.Count - joined.Count;
        return failure;
    }

    private static IpAddress Address(UInt128 group) => IpAddress.From(IpFamily.IPv6, group);
}
