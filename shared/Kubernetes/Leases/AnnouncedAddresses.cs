using System.Globalization;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Leases;

/// <summary>An address that a speaker answers for.</summary>
/// <param name="Address">The address.</param>
/// <param name="Link">On which of its links.</param>
/// <param name="Since">Since when, in whole seconds by its node's wall clock; null if it does not know.</param>
/// <param name="For">The node in whose place it answers, while that one's speaker is away; null for itself.</param>
public readonly record struct AnnouncedAddress(IpAddress Address, string Link, DateTimeOffset? Since, string? For);

/// <summary>
/// What a speaker's Lease says of the addresses that it answers for, and of those that nobody does, so that whoever watches the Leases knows
/// where each address is. Nothing is decided by it. What another version wrote and cannot be read here is skipped.
/// </summary>
public static class AnnouncedAddresses
{
    /// <summary>
    /// <c>eth0@2026-03-01T08:15:30Z=192.168.96.100-192.168.96.107,192.168.96.110;eth0@2026-03-01T09:00:00Z/n3=192.168.96.109</c>: link, since when and in
    /// whose place. What finds no room is counted: <c>;more=12</c>.
    /// </summary>
    public const string Announces = "loadbalancer/announces";

    /// <summary>Addresses that nobody announces, by the reason of the Event, told by the node that is first in their order: <c>NoServingEndpoint=192.168.96.101</c>.</summary>
    public const string Silent = "loadbalancer/silent";

    /// <summary>The longest value: an object's annotations together may have 256 KiB. Three thousand single IPv4 addresses fit.</summary>
    public const int Longest = 48 * 1024;

    private const string More = "more";

    /// <summary>The value of <see cref="Announces"/>, the same text for the same addresses.</summary>
    public static string Of(IEnumerable<AnnouncedAddress> addresses) => Write(addresses.GroupBy(
        static entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Link}@{entry.Since?.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}{(entry.For is null ? "" : "/" + entry.For)}"),
        static entry => entry.Address));

    /// <summary>The value of <see cref="Silent"/>.</summary>
    public static string Of(IEnumerable<(string Reason, IpAddress Address)> silent) =>
        Write(silent.GroupBy(static entry => entry.Reason, static entry => entry.Address));

    /// <summary>The addresses that a Lease says its node answers for.</summary>
    public static IReadOnlyList<AnnouncedAddress> AnnouncedBy(LeaseResource lease)
    {
        var announced = new List<AnnouncedAddress>();
        foreach (var (key, ranges) in Entries(lease, Announces))
        {
            var at = key.LastIndexOf('@');
            if (at <= 0)
            {
                continue;
            }

            var slash = key.IndexOf('/', at);
            var when = slash < 0 ? key[(at + 1)..] : key[(at + 1)..slash];
            DateTimeOffset? since = DateTimeOffset.TryParse(when, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed) ? parsed : null;
            announced.AddRange(AddressesIn(ranges).Select(address => new AnnouncedAddress(address, key[..at], since, slash < 0 ? null : key[(slash + 1)..])));
        }

        return announced;
    }

    /// <summary>How many addresses a Lease has no room for.</summary>
    public static int UntoldBy(LeaseResource lease) =>
        Entries(lease, Announces).Where(static entry => entry.Key == More).Sum(static entry => int.TryParse(entry.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0);

    /// <summary>The addresses that a Lease says nobody announces, each with the reason.</summary>
    public static IReadOnlyList<(string Reason, IpAddress Address)> SilentBy(LeaseResource lease) =>
        [.. Entries(lease, Silent).Where(static entry => entry.Key != More).SelectMany(static entry => AddressesIn(entry.Value).Select(address => (entry.Key, address)))];

    private static string Write(IEnumerable<IGrouping<string, IpAddress>> groups)
    {
        var text = new System.Text.StringBuilder();
        var left = 0;
        foreach (var group in groups.OrderBy(static group => group.Key, StringComparer.Ordinal))
        {
            var separator = $"{(text.Length > 0 ? ";" : "")}{group.Key}=";
            foreach (var range in Ranges(group))
            {
                var piece = range.ToString();
                if (text.Length + separator.Length + piece.Length > Longest)
                {
                    left += (int)range.Count;
                    continue;
                }

                text.Append(separator).Append(piece);
                separator = ",";
            }
        }

        return left == 0 ? text.ToString() : string.Create(CultureInfo.InvariantCulture, $"{text};{More}={left}");
    }

    private static IEnumerable<IpRange> Ranges(IEnumerable<IpAddress> addresses)
    {
        IpRange? open = null;
        foreach (var address in addresses.Distinct().Order())
        {
            if (open is { } range && range.Family == address.Family && range.Last.Value + 1 == address.Value)
            {
                open = new IpRange(range.First, address);
                continue;
            }

            if (open is { } closed)
            {
                yield return closed;
            }

            open = new IpRange(address, address);
        }

        if (open is { } last)
        {
            yield return last;
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Entries(LeaseResource lease, string annotation)
    {
        foreach (var entry in lease.Annotations.GetValueOrDefault(annotation, "").Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = entry.LastIndexOf('=');
            if (equals > 0)
            {
                yield return KeyValuePair.Create(entry[..equals], entry[(equals + 1)..]);
            }
        }
    }

    // A range that nobody can have written is not gone through: a Lease is read by everybody, and written by whoever may.
    private static IEnumerable<IpAddress> AddressesIn(string ranges)
    {
        foreach (var text in ranges.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var ends = text.Split('-');
            if (ends.Length <= 2 && IpAddress.TryParse(ends[0], out var first) && IpAddress.TryParse(ends[^1], out var last)
                && first.Family == last.Family && first <= last && last.Value - first.Value < Longest)
            {
                for (var offset = UInt128.Zero; offset <= last.Value - first.Value; offset++)
                {
                    yield return first.Add(offset);
                }
            }
        }
    }
}
