using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using k8s;
using k8s.Exceptions;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>
/// Finds the API server: an explicit kubeconfig, the pod's own account, <c>$KUBECONFIG</c>, <c>~/.kube/config</c>, in this order.
/// </summary>
public sealed class ApiClientFactory
{
    private const string AccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

    private readonly Func<string, string?> environment;
    private readonly string accountFolder;
    private readonly TimeProvider time;

    /// <summary>A factory that looks at the process's environment.</summary>
    /// <param name="time">The clock by which token files are read again.</param>
    public ApiClientFactory(TimeProvider time)
        : this(time, Environment.GetEnvironmentVariable, AccountFolder)
    {
    }

    internal ApiClientFactory(TimeProvider time, Func<string, string?> environment, string accountFolder)
    {
        this.time = time;
        this.environment = environment;
        this.accountFolder = accountFolder;
    }

    /// <summary>Opens the connection pool. Nothing is sent yet.</summary>
    /// <param name="kubeconfig">The value of <c>--kubeconfig</c>, or null.</param>
    /// <param name="userAgent">For example <c>loadbalancer-speaker/0.1.0</c>: what audit logs and flow control see.</param>
    /// <param name="context">The kubeconfig's context to use in place of its current one, or null.</param>
    /// <exception cref="ApiConfigurationException">No configuration was found, or it cannot be used.</exception>
    public ApiConnection Connect(string? kubeconfig, string userAgent, string? context = null)
    {
        var (configuration, origin) = Find(kubeconfig, context);
        try
        {
            return new ApiConnection(configuration, origin, userAgent);
        }
        catch (Exception e) when (e is KubeConfigException or CryptographicException or FormatException or IOException)
        {
            throw new ApiConfigurationException($"{origin}: {e.Message}", e);
        }
    }

    internal (KubernetesClientConfiguration Configuration, string Origin) Find(string? kubeconfig, string? context = null)
    {
        if (!string.IsNullOrWhiteSpace(kubeconfig))
        {
            return (Kubeconfig.Load([kubeconfig], context), kubeconfig);
        }

        if (environment("KUBERNETES_SERVICE_HOST") is { Length: > 0 } host && File.Exists(AccountFile("token")))
        {
            return (InCluster(host), "in-cluster");
        }

        if (environment("KUBECONFIG") is { Length: > 0 } list)
        {
            return (Kubeconfig.Load(list.Split(':', StringSplitOptions.RemoveEmptyEntries), context), list);
        }

        var home = Path.Combine(environment("HOME") ?? "/", ".kube/config");
        return File.Exists(home)
            ? (Kubeconfig.Load([home], context), home)
            : throw new ApiConfigurationException(
                "no API server is configured: this is not a pod with a service account "
                + $"($KUBERNETES_SERVICE_HOST is not set or {AccountFile("token")} does not exist), $KUBECONFIG is not set "
                + $"and {home} does not exist. Give the path of a kubeconfig with --kubeconfig");
    }

    private string AccountFile(string name) => Path.Combine(accountFolder, name);

    private KubernetesClientConfiguration InCluster(string host)
    {
        var portText = environment("KUBERNETES_SERVICE_PORT_HTTPS") ?? environment("KUBERNETES_SERVICE_PORT") ?? "443";
        if (!int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
        {
            throw new ApiConfigurationException($"$KUBERNETES_SERVICE_PORT is '{portText}'; it must be a port, 1 to 65535");
        }

        var authority = AccountFile("ca.crt");
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(authority);
        }
        catch (Exception e) when (e is IOException or CryptographicException)
        {
            throw new ApiConfigurationException($"{authority} cannot be read as certificates in PEM form: {e.Message}", e);
        }

        return new KubernetesClientConfiguration
        {
            Host = new UriBuilder(Uri.UriSchemeHttps, host, port).Uri.AbsoluteUri,
            TokenProvider = new FileToken(AccountFile("token"), time),
            SslCaCerts = authorities,
        };
    }
}
