using System.Net;
using System.Net.Sockets;

namespace LoadBalancer.Kubectl.Doctor;

/// <summary>Asks the wire for addresses without any right: a datagram makes the kernel ask, and its neighbour table tells who answered. Linux, IPv4.</summary>
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
    /// <param name="expected">The hardware address that the cluster believes in.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stop">Gives up.</param>
    public static async Task<HereRow> AskAsync(string address, string? expected, TimeProvider time, CancellationToken stop)
    {
        var known = Find(await File.ReadAllTextAsync(Table, stop).ConfigureAwait(false), address);
        var begun = time.GetTimestamp();
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            await socket.SendToAsync(new byte[1], new IPEndPoint(IPAddress.Parse(address), DiscardPort), stop).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            return new HereRow(address, expected, null, null);
        }

        while (time.GetElapsedTime(begun) < Patience)
        {
            if (Find(await File.ReadAllTextAsync(Table, stop).ConfigureAwait(false), address) is { } found)
            {
                return new HereRow(address, expected, found, known is null ? time.GetElapsedTime(begun).TotalMilliseconds : null);
            }

            await Task.Delay(Pause, time, stop).ConfigureAwait(false);
        }

        return new HereRow(address, expected, null, null);
    }

    /// <summary>The hardware address of a complete entry (proc(5), <c>/proc/net/arp</c>; flag 2 is ATF_COM), or null.</summary>
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
}
