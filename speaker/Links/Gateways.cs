using System.Globalization;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// The routers that this node's routing tables name as next hop, of every route and not just the default one: a Service on one of their
/// addresses would take everything behind it off the network. Read from <c>/proc/net/route</c> and <c>/proc/net/ipv6_route</c> (proc(5)).
/// </summary>
internal static class Gateways
{
    // RTF_UP and RTF_GATEWAY (linux/route.h).
    private const uint Usable = 0x1 | 0x2;
    private const string Directory = "/proc/net";

    /// <summary>The routers, ascending, each once; link-local ones, which no pool can contain, are left out.</summary>
    public static IReadOnlyList<IpAddress> Read(string directory = Directory)
    {
        var found = new SortedSet<IpAddress>();
        foreach (var line in Lines(directory, "route"))
        {
            // Iface Destination Gateway Flags … with addresses as the processor holds them: 192.168.96.1 is 0160A8C0 on a PC.
            var fields = line.Split('\t', StringSplitOptions.TrimEntries);
            if (fields.Length > 3 && IsUsable(fields[3]) && TryBytes(fields[2], 4) is { } bytes)
            {
                if (BitConverter.IsLittleEndian)
                {
                    Array.Reverse(bytes);
                }

                found.Add(IpAddress.FromBytes(bytes));
            }
        }

        foreach (var line in Lines(directory, "ipv6_route"))
        {
            // Destination length source length next-hop metric references uses flags interface
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 8 && IsUsable(fields[8]) && TryBytes(fields[4], 16) is { } bytes)
            {
                found.Add(IpAddress.FromBytes(bytes));
            }
        }

        found.RemoveWhere(static address => LinkSelection.IsLinkLocal(address) || address.Value == 0);
        return [.. found];
    }

    private static string[] Lines(string directory, string file)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(directory, file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A kernel without IPv6 has no ipv6_route.
            return [];
        }
    }

    private static bool IsUsable(string flags) =>
        uint.TryParse(flags, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) && (value & Usable) == Usable;

    private static byte[]? TryBytes(string hex, int length)
    {
        var bytes = new byte[length];
        return hex.Length == 2 * length && Convert.FromHexString(hex, bytes, out _, out var written) == System.Buffers.OperationStatus.Done
            && written == length
                ? bytes
                : null;
    }
}
