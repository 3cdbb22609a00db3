using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.LocalCluster.Network;

/// <summary>A machine on the home network.</summary>
public class Host(string name, string address, NetworkNamespace network, string port) : IDisposable
{
    private bool _blocked;

    public string Name { get; } = name;

    /// <summary>Its IPv4 address on eth0.</summary>
    public string Address { get; } = address;

    /// <summary>The hardware address of eth0, lower case with colons.</summary>
    public string Mac { get; } = Lan.Mac(address);

    public NetworkNamespace Network { get; } = network;

    /// <summary>Pulls the cable: the host sees its carrier go.</summary>
    public void Unplug() => Tool.Run($"ip link set {port} down");

    /// <summary>Puts the cable back.</summary>
    public void Plug() => Tool.Run($"ip link set {port} up");

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

    /// <summary>An isolated port reaches the router and the clients, but no other isolated port: client isolation of a switch or Wi-Fi.</summary>
    public void Isolate(bool isolated) => Tool.Run($"bridge link set dev {port} isolated {(isolated ? "on" : "off")}");

    /// <summary>Adds a further address to eth0, as a stranger does who takes one that is not his.</summary>
    public void AddAddress(string extra) => Network.Ip($"addr add {extra}/{Lan.PrefixLength} dev eth0\n");

    /// <summary>Takes it away again.</summary>
    public void RemoveAddress(string extra) => Network.Ip($"addr del {extra}/{Lan.PrefixLength} dev eth0\n");

    /// <summary>A TCP socket of this host.</summary>
    public Socket TcpSocket() => Network.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });

    /// <summary>An HTTP client on this host. Each request uses a connection of its own.</summary>
    public HttpClient Http(TimeSpan timeout)
    {
        var handler = new SocketsHttpHandler
        {
            PooledConnectionLifetime = TimeSpan.Zero,
            UseProxy = false,
            ConnectCallback = async (context, cancel) =>
            {
                Socket socket = TcpSocket();
                try
                {
                    await socket.ConnectAsync(IPEndPoint.Parse($"{context.DnsEndPoint.Host}:{context.DnsEndPoint.Port}"), cancel).ConfigureAwait(false);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        return new HttpClient(handler, disposeHandler: true) { Timeout = timeout };
    }

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

    public virtual void Dispose()
    {
        Network.Dispose();
        GC.SuppressFinalize(this);
    }
}
