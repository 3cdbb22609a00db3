using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s;
using k8s.Exceptions;
using k8s.KubeConfigModels;
using YamlDotNet.Core;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>
/// Reads kubeconfig files with the official client's model. Added here: several files are merged with each file's paths relative to
/// that file, files that do not exist are skipped as kubectl does, and all certificates of an authority bundle count.
/// </summary>
internal static class Kubeconfig
{
    /// <summary>Reads and merges; the first file that has an entry of a name wins.</summary>
    /// <param name="paths">The files.</param>
    /// <param name="context">The context to use in place of the current one, or null.</param>
    /// <exception cref="ApiConfigurationException">None of the files exists, or they cannot be used.</exception>
    internal static KubernetesClientConfiguration Load(IReadOnlyList<string> paths, string? context = null)
    {
        var shown = string.Join(':', paths);
        var files = paths.Select(static path => path.Trim('"')).Where(File.Exists).ToArray();
        if (files.Length == 0)
        {
            throw new ApiConfigurationException($"kubeconfig {shown} does not exist");
        }

        try
        {
            var merged = Merge(files.Select(Read).ToArray());
            merged.CurrentContext = context ?? merged.CurrentContext;
            return Build(merged);
        }
        catch (Exception e) when (e is KubeConfigException or YamlException or CryptographicException or FormatException or IOException
            or UnauthorizedAccessException)
        {
            throw new ApiConfigurationException($"kubeconfig {shown} cannot be used: {e.Message}", e);
        }
    }

    private static KubernetesClientConfiguration Build(K8SConfiguration merged)
    {
        if (string.IsNullOrEmpty(merged.CurrentContext))
        {
            throw new KubeConfigException("it has no current-context; set one with `kubectl config use-context`");
        }

        var configuration = KubernetesClientConfiguration.BuildConfigFromConfigObject(merged);
        var endpoint = EndpointOf(merged);
        configuration.SslCaCerts = AuthoritiesOf(endpoint) ?? configuration.SslCaCerts;
        return configuration;
    }

    private static K8SConfiguration Read(string path)
    {
        // The whole path, so that entries relative to it stay right when files are merged.
        var file = new FileInfo(path);
        var configuration = KubernetesClientConfiguration.LoadKubeConfig(file, useRelativePaths: false)
            ?? throw new KubeConfigException($"{path} is empty");
        var folder = file.DirectoryName ?? "/";
        foreach (var endpoint in (configuration.Clusters ?? []).Select(static cluster => cluster.ClusterEndpoint).OfType<ClusterEndpoint>())
        {
            endpoint.CertificateAuthority = Absolute(folder, endpoint.CertificateAuthority);
        }

        foreach (var user in (configuration.Users ?? []).Select(static user => user.UserCredentials).OfType<UserCredentials>())
        {
            user.ClientCertificate = Absolute(folder, user.ClientCertificate);
            user.ClientKey = Absolute(folder, user.ClientKey);
        }

        return configuration;
    }

    private static string? Absolute(string folder, string? path) => string.IsNullOrWhiteSpace(path) ? path : Path.Combine(folder, path);

    private static K8SConfiguration Merge(K8SConfiguration[] files)
    {
        var merged = files[0];
        foreach (var other in files.AsSpan(1))
        {
            merged.CurrentContext = string.IsNullOrEmpty(merged.CurrentContext) ? other.CurrentContext : merged.CurrentContext;
            merged.Clusters = Union(merged.Clusters, other.Clusters, static cluster => cluster.Name);
            merged.Contexts = Union(merged.Contexts, other.Contexts, static context => context.Name);
            merged.Users = Union(merged.Users, other.Users, static user => user.Name);
        }

        return merged;
    }

    private static List<TEntry> Union<TEntry>(List<TEntry>? first, List<TEntry>? second, Func<TEntry, string> name) =>
        [.. (first ?? []).Concat(second ?? []).DistinctBy(name, StringComparer.Ordinal)];

    private static ClusterEndpoint? EndpointOf(K8SConfiguration merged)
    {
        var context = merged.Contexts?.Find(context => context.Name == merged.CurrentContext);
        return merged.Clusters?.Find(cluster => cluster.Name == context?.ContextDetails?.Cluster)?.ClusterEndpoint;
    }

    private static X509Certificate2Collection? AuthoritiesOf(ClusterEndpoint? endpoint)
    {
        var pem = endpoint switch
        {
            { CertificateAuthorityData: { Length: > 0 } data } => Encoding.UTF8.GetString(Convert.FromBase64String(data)),
            { CertificateAuthority: { Length: > 0 } path } => File.ReadAllText(path),
            _ => "",
        };
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(pem);
        return authorities.Count > 0 ? authorities : null;
    }
}
