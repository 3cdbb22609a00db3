namespace LoadBalancer.Kubernetes.Client;

/// <summary>The settings of the connection pool.</summary>
internal static class ApiHandler
{
    /// <summary>
    /// A dead connection (the API server's node lost power, a NAT forgot the flow) is noticed within 25 s while watches are open. HTTP/2
    /// servers allow 100 to 250 streams a connection; beyond that a second connection is opened instead of queueing.
    /// </summary>
    internal static SocketsHttpHandler Configure(SocketsHttpHandler handler)
    {
        handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests;
        handler.KeepAlivePingDelay = TimeSpan.FromSeconds(15);
        handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
        handler.ConnectTimeout = TimeSpan.FromSeconds(10);
        handler.EnableMultipleHttp2Connections = true;

        // Only for servers without HTTP/2: every watch holds one, the rest are for patches.
        handler.MaxConnectionsPerServer = 96;
        handler.UseCookies = false;
        handler.AllowAutoRedirect = false;
        return handler;
    }
}
