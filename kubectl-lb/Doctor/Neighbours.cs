using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Kubectl.Doctor;

/// <summary>Asks the wire without any right: a datagram makes this machine's kernel ask, and its neighbour table tells who answered. Linux.</summary>
internal static class Neighbours
{
    private const string Table = "/proc/net/arp";
    private const int DiscardPort = 9;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Whether this machine has such a table.</summary>
    public static bool AreKnown => File.Exists(Table);

    /// <summary>Asks for one address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stop">Gives up.</param>
    /// <returns>Who answered: one, or nobody.</returns>
    public static async Task<IReadOnlyList<HereAnswer>> AskAsync(IpAddress address, TimeProvider time, CancellationToken stop)
    {
        var known = await FindAsync(address, stop).ConfigureAwait(false);
        var begun = time.GetTimestamp();
        try
        {
            using var socket = new Socket(address.Family == IpFamily.IPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
            await socket.SendToAsync(new byte[1], new IPEndPoint(IPAddress.Parse(address.ToString()), DiscardPort), stop).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            return [];
        }

        while (time.GetElapsedTime(begun) < Patience)
        {
            if (await FindAsync(address, stop).ConfigureAwait(false) is { } found)
            {
                return [new HereAnswer(found, known is null ? time.GetElapsedTime(begun).TotalMilliseconds : null)];
            }

            await Task.Delay(Pause, time, stop).ConfigureAwait(false);
        }

        return [];
    }

    /// <summary>The hardware address of a complete IPv4 entry (proc(5), <c>/proc/net/arp</c>; flag 2 is ATF_COM), or null.</summary>
    public static string? Find(string table, string address)
    {
        foreach (var line in table.Split('\n').Skip(1))
        {
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var ip, _, var flags, var mac, ..] && ip == address && flags.Length > 0 && (Convert.ToInt32(flags, 16) & 2) != 0)
            {
                return mac;
            }
        }

        return null;
    }

    /// <summary>The hardware address in what <c>ip neigh show</c> says of one address (ip-neighbour(8)), or null while there is none.</summary>
    public static string? FindShown(string shown)
    {
        var words = shown.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        var at = Array.IndexOf(words, "lladdr");
        return at >= 0 && at + 1 < words.Length && !words.Contains("FAILED") ? words[at + 1] : null;
    }

    private static async Task<string?> FindAsync(IpAddress address, CancellationToken stop)
    {
        if (address.Family == IpFamily.IPv4)
        {
            return Find(await File.ReadAllTextAsync(Table, stop).ConfigureAwait(false), address.ToString());
        }

        // The kernel has no file with the IPv6 neighbours.
        try
        {
            using var ip = Process.Start(new ProcessStartInfo("ip", ["-6", "neigh", "show", "to", address.ToString()]) { RedirectStandardOutput = true, RedirectStandardError = true });
            return ip is null ? null : FindShown(await ip.StandardOutput.ReadToEndAsync(stop).ConfigureAwait(false));
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
