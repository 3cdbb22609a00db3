namespace LoadBalancer.LocalCluster.ApiServer;

/// <summary>
/// An API server that tests and the demo talk to: <see cref="LocalApiServer"/> in this process, or
/// <see cref="RealApiServer"/> with the binaries of <c>KUBEBUILDER_ASSETS</c>. Nothing that uses it may depend on which one it is.
/// </summary>
public interface IApiServer : IAsyncDisposable
{
    /// <summary>Where clients connect; <c>https://address:port</c>, the same over every stop and start.</summary>
    Uri Endpoint { get; }

    /// <summary>The CA that signed the server's certificate, PEM.</summary>
    string CaCertificatePem { get; }

    /// <summary>
    /// Writes a kubeconfig, mode 0600, and returns its path. <paramref name="user"/> is <c>admin</c> (may do everything),
    /// <c>system:serviceaccount:&lt;namespace&gt;:&lt;name&gt;</c> (may do what RBAC objects grant it, as in a pod), or any other user name.
    /// Works before the server is started.
    /// </summary>
    /// <param name="path">The file to write; its folder must exist.</param>
    /// <param name="user">Who the file speaks for.</param>
    /// <param name="endpoint">The address to put into the file when clients reach the server by another one of its addresses.</param>
    string WriteKubeconfig(string path, string user = "admin", Uri? endpoint = null);

    /// <summary>Whether it keeps EndpointSlices by Services and Pods itself, by a controller manager beside it.</summary>
    bool KeepsEndpointSlices { get; }

    /// <summary>Stops serving and cuts every connection; what is stored is kept.</summary>
    Task StopAsync();

    /// <summary>Starts, also again after a stop, on the same port; complete when <c>/readyz</c> answers.</summary>
    Task StartAsync();
}
