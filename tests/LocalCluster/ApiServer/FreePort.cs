using System.Net;
using System.Net.Sockets;

namespace LoadBalancer.LocalCluster.ApiServer;

/// <summary>Finds a port that nobody listens on at the moment.</summary>
public static class FreePort
{
    /// <summary>A free TCP port at the address. An address that is not on this machine (yet) is looked up as the any-address.</summary>
    public static int Take(IPAddress address)
    {
        try
        {
            return Bind(address);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable)
        {
            return Bind(address.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any);
        }
    }

    private static int Bind(IPAddress address)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
