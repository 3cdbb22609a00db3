using System.Globalization;
using System.Net;
using System.Net.Sockets;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Demo;

/// <summary>
/// Lets the machine's own kubectl reach the API server of a private run: a port on the machine's loopback leads through a
/// socket file, which network namespaces do not part, to the server inside.
/// </summary>
internal sealed class HostRelay : IDisposable
{
    private const string Variable = "LB_HOST_RELAY";
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("loadbalancer-demo-");

    /// <summary>The outer end. It listens at once; what connects too early is turned away.</summary>
    internal HostRelay()
    {
        _listener.Start();
        _ = AcceptAsync(_listener.Server, () => ConnectAsync(new UnixDomainSocketEndPoint(SocketFile(_folder.FullName)), ProtocolType.Unspecified));
    }

    /// <summary>What the inside must find in its environment.</summary>
    internal KeyValuePair<string, string> Environment =>
        new(Variable, $"{((IPEndPoint)_listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture)}:{_folder.FullName}");

    /// <summary>Tells the inside which process it is to the machine.</summary>
    internal void SetProcess(int id) => File.WriteAllText(Path.Combine(_folder.FullName, "process"), id.ToString(CultureInfo.InvariantCulture));

    /// <summary>The inner end: leads the socket file to the API server. Returns the loopback address and our process id outside, or null if there is no outer end.</summary>
    internal static (Uri Endpoint, string Process)? Join()
    {
        if (System.Environment.GetEnvironmentVariable(Variable)?.Split(':', 2) is not [var port, var folder])
        {
            return null;
        }

        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(SocketFile(folder)));
        listener.Listen();
        _ = AcceptAsync(listener, () => ConnectAsync(new IPEndPoint(IPAddress.Parse(Lan.ApiServer), Cluster.ApiPort), ProtocolType.Tcp));
        return (new Uri($"https://127.0.0.1:{port}"), File.ReadAllText(Path.Combine(folder, "process")));
    }

    public void Dispose()
    {
        _listener.Dispose();
        _folder.Delete(recursive: true);
    }

    private static string SocketFile(string folder) => Path.Combine(folder, "api");

    private static async Task AcceptAsync(Socket listener, Func<Task<Socket>> connect)
    {
        try
        {
            while (true)
            {
                _ = RelayAsync(await listener.AcceptAsync(), connect);
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The demo ends.
        }
    }

    private static async Task<Socket> ConnectAsync(EndPoint target, ProtocolType protocol)
    {
        var socket = new Socket(target.AddressFamily, SocketType.Stream, protocol);
        await socket.ConnectAsync(target);
        return socket;
    }

    private static async Task RelayAsync(Socket near, Func<Task<Socket>> connect)
    {
        try
        {
            using var nearStream = new NetworkStream(near, ownsSocket: true);
            using var farStream = new NetworkStream(await connect(), ownsSocket: true);
            await Task.WhenAny(nearStream.CopyToAsync(farStream), farStream.CopyToAsync(nearStream));
        }
        catch (Exception cut) when (cut is SocketException or IOException)
        {
            // Either side went away; the other sees its connection end.
        }
    }
}
