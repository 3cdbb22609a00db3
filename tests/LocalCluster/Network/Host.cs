using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.LocalCluster.Network;

/// <summary>A machine on the home network.</summary>
public class Host(string name, IReadOnlyList<string> addresses, string mac, NetworkNamespace network, string port) : IDisposable
{
    private IReadOnlyList<string> _routes = [];
    private bool _blocked;
    private bool _loses;

    public string Name { get; } = name;

    /// <summary>Its addresses on eth0, at most one of each family; the main one first.</summary>
    public IReadOnlyList<string> Addresses { get; } = addresses;

    /// <summary>Its main address on eth0: IPv4, unless the network has only IPv6.</summary>
    public string Address => Addresses[0];

    /// <summary>Its IPv6 address on eth0.</summary>
    public string Address6 => Addresses.First(Lan.IsIPv6);

    /// <summary>The hardware address of eth0, lower case with colons.</summary>
    public string Mac { get; } = mac;

    public NetworkNamespace Network { get; } = network;

    /// <summary>Pulls the cable: the host sees its carrier go.</summary>
    public void Unplug() => Tool.Run($"ip link set {port} down");

    /// <summary>Puts the cable back.</summary>
    public void Plug() => Tool.Run($"ip link set {port} up");

    /// <summary>Takes eth0 down, as an administrator does or a driver that resets.</summary>
    public void LinkDown()
    {
        _routes = [.. Routes("-4"), .. Routes("-6")];
        Network.Ip("link set eth0 down\n");
    }

    /// <summary>Brings eth0 up again, with the routes the kernel dropped.</summary>
    public void LinkUp()
    {
        Network.Ip("link set eth0 up\n");
        Network.Ip(string.Concat(_routes.Select(route => $"route add {route}\n")));
    }

    /// <summary>The switch forwards nothing from or to this port any more, yet the carrier stays: a dead switch behind a live one.</summary>
    public void Block()
    {
        Tool.Run($"bridge link set dev {port} state 0");
        _blocked = true;
    }

    /// <summary>Ends <see cref="Block"/>; a port that is not blocked stays as it is (the kernel refuses to set one that is down).</summary>
    public void Unblock()
    {
        if (_blocked)
        {
            Tool.Run($"bridge link set dev {port} state 3");
            _blocked = false;
        }
    }

    /// <summary>The switch's port loses frames of one direction, or of both, which nobody sees but by what does not arrive.</summary>
    /// <param name="lost">Which.</param>
    /// <param name="percent">How many of a hundred, drawn for each frame.</param>
    public void Lose(PortLoss lost, int percent = 100)
    {
        LoseNothing();
        Tool.Run($"tc qdisc add dev {port} clsact");
        foreach (string hook in lost.Hooks())
        {
            Tool.Run("tc", ["filter", "add", "dev", port, hook, "pref", "1", "bpf", "bytecode", PortLosses.Program(percent), "direct-action"]);
        }

        _loses = true;
    }

    /// <summary>Ends <see cref="Lose"/>.</summary>
    public void LoseNothing()
    {
        if (_loses)
        {
            Tool.Run($"tc qdisc del dev {port} clsact");
            _loses = false;
        }
    }

    /// <summary>An isolated port reaches the router and the clients, but no other isolated port: client isolation of a switch or Wi-Fi.</summary>
    public void Isolate(bool isolated) => Tool.Run($"bridge link set dev {port} isolated {(isolated ? "on" : "off")}");

    /// <summary>Adds a further address to eth0, as a stranger does who takes one that is not his.</summary>
    /// <param name="extra">The address.</param>
    /// <param name="detectDuplicates">IPv6: asks first whether it is taken, as hosts do; else it is in use at once, whatever others say.</param>
    public void AddAddress(string extra, bool detectDuplicates = false) =>
        Network.Ip($"addr add {WithMask(extra)} dev eth0{(Lan.IsIPv6(extra) && !detectDuplicates ? " nodad" : "")}\n");

    /// <summary>Takes it away again.</summary>
    public void RemoveAddress(string extra) => Network.Ip($"addr del {WithMask(extra)} dev eth0\n");

    /// <summary>What the kernel says of an address of eth0, such as <c>tentative</c> and <c>dadfailed</c>; empty if it is not there.</summary>
    public string AddressState(string address) => Tool.Run("ip", ["-n", Network.Name, "-o", "addr", "show", "dev", "eth0", "to", address]);

    /// <summary>The IPv6 multicast groups eth0 is in, as 32 hexadecimal digits (/proc/net/igmp6).</summary>
    public IReadOnlySet<string> Groups() => Network.Run(() => File.ReadLines("/proc/thread-self/net/igmp6")
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Where(fields => fields[1] == "eth0").Select(fields => fields[2]).ToHashSet());

    /// <summary>A TCP socket of this host, for IPv4 unless told otherwise.</summary>
    public Socket TcpSocket(AddressFamily family = AddressFamily.InterNetwork) =>
        Network.Run(() => new Socket(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });

    /// <summary>An HTTP client on this host. Each request uses a connection of its own.</summary>
    /// <param name="timeout">For how long it waits.</param>
    /// <param name="seen">Gets the subject of each server's certificate, which is not verified; null verifies.</param>
    public HttpClient Http(TimeSpan timeout, Action<string?>? seen = null)
    {
        SocketsHttpHandler handler = HttpHandler();
        if (seen is not null)
        {
#pragma warning disable CA5359 // What a scraper does with a certificate that a program has signed itself.
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            {
                seen(certificate?.Subject);
                return true;
            };
#pragma warning restore CA5359
        }

        handler.PooledConnectionLifetime = TimeSpan.Zero;
        return new HttpClient(handler, disposeHandler: true) { Timeout = timeout };
    }

    /// <summary>A handler whose connections leave by this host's network.</summary>
    public SocketsHttpHandler HttpHandler() =>
        new()
        {
            UseProxy = false,
            ConnectCallback = async (context, cancel) =>
            {
                var address = IPAddress.Parse(context.DnsEndPoint.Host);
                Socket socket = TcpSocket(address.AddressFamily);
                try
                {
                    await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), cancel).ConfigureAwait(false);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };

    /// <summary>What this host's kernel holds as the hardware address of a neighbour, or null.</summary>
    public string? Neighbour(string ip)
    {
        string json = Tool.Run("ip", ["-n", Network.Name, "-json", "neigh", "show", ip]);
        using JsonDocument entries = JsonDocument.Parse(json.Length == 0 ? "[]" : json);
        return entries.RootElement.EnumerateArray()
            .Select(entry => entry.TryGetProperty("lladdr", out JsonElement mac) ? mac.GetString() : null)
            .FirstOrDefault(mac => mac is not null);
    }

    /// <summary>Empties this host's neighbour cache.</summary>
    public void ForgetNeighbours() => Network.Ip("neigh flush all\n");

    private IEnumerable<string> Routes(string family) =>
        Tool.Run("ip", ["-n", Network.Name, family, "route", "show"]).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(route => route.Contains(" via ", StringComparison.Ordinal) && route.Contains("dev eth0", StringComparison.Ordinal));

    private static string WithMask(string address) => $"{address}/{(Lan.IsIPv6(address) ? Lan.PrefixLength6 : Lan.PrefixLength)}";

    public virtual void Dispose()
    {
        Network.Dispose();
        GC.SuppressFinalize(this);
    }
}
