using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Leases;

/// <summary>
/// What a speaker's Lease says of the hosts on the wire: which pool addresses strangers have, and by which hardware addresses the
/// speaker's own node is known. What another version wrote and cannot be read here is skipped.
/// </summary>
public static class StrangerAnnotations
{
    /// <summary>Pool addresses of strangers: <c>192.168.96.103=52:54:00:12:34:56,fd00:96::7=52:54:00:12:34:57</c>.</summary>
    public const string Taken = "loadbalancer/taken";

    /// <summary>The hardware addresses of the node's links: <c>52:54:00:00:00:01,52:54:00:00:00:02</c>.</summary>
    public const string Macs = "loadbalancer/macs";

    /// <summary>The value of <see cref="Taken"/>, in ascending order so that the same addresses are the same text.</summary>
    public static string Of(IEnumerable<TakenAddress> taken) =>
        string.Join(',', taken.OrderBy(static t => t.Address).Select(static t => $"{t.Address}={t.Mac}"));

    /// <summary>The value of <see cref="Macs"/>.</summary>
    public static string Of(IEnumerable<MacAddress> macs) =>
        string.Join(',', macs.Select(static mac => mac.ToString()).Distinct().Order(StringComparer.Ordinal));

    /// <summary>The pool addresses that a Lease says strangers have.</summary>
    public static IReadOnlyList<TakenAddress> TakenOf(LeaseResource lease)
    {
        var taken = new List<TakenAddress>();
        foreach (var entry in Entries(lease, Taken))
        {
            var parts = entry.Split('=');
            if (parts.Length == 2 && IpAddress.TryParse(parts[0], out var address) && TryParse(parts[1], out var mac))
            {
                taken.Add(new TakenAddress(address, mac));
            }
        }

        return taken;
    }

    /// <summary>The hardware addresses that a Lease says its node has.</summary>
    public static IReadOnlyList<MacAddress> MacsOf(LeaseResource lease)
    {
        var macs = new List<MacAddress>();
        foreach (var entry in Entries(lease, Macs))
        {
            if (TryParse(entry, out var mac))
            {
                macs.Add(mac);
            }
        }

        return macs;
    }

    private static string[] Entries(LeaseResource lease, string annotation) =>
        lease.Annotations.GetValueOrDefault(annotation, "").Split(',', StringSplitOptions.RemoveEmptyEntries);

    private static bool TryParse(string text, out MacAddress mac)
    {
        try
        {
            mac = MacAddress.Parse(text);
            return true;
        }
        catch (FormatException)
        {
            mac = default;
            return false;
        }
    }
}
