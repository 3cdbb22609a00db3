using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using YamlDotNet.RepresentationModel;

namespace LoadBalancer.LocalCluster.Client;

/// <summary>What a kubeconfig says about its current context: the server, whom to trust, who we are.</summary>
public sealed class KubeconfigFile
{
    private readonly X509Certificate2? _authority;
    private readonly X509Certificate2? _certificate;

    /// <summary>Reads a file whose credentials are a token or a client certificate, inline or as files.</summary>
    public KubeconfigFile(string path)
    {
        var yaml = new YamlStream();
        using (var text = new StreamReader(path))
        {
            yaml.Load(text);
        }

        var root = (YamlMappingNode)yaml.Documents[0].RootNode;
        YamlMappingNode context = Named(root, "contexts", Text(root, "current-context")!, "context");
        YamlMappingNode cluster = Named(root, "clusters", Text(context, "cluster")!, "cluster");
        YamlMappingNode user = Named(root, "users", Text(context, "user")!, "user");
        Server = new Uri(Text(cluster, "server")!);
        Token = Text(user, "token");
        _authority = Pem(cluster, "certificate-authority") is { } authority ? X509Certificate2.CreateFromPem(authority) : null;
        _certificate = Pem(user, "client-certificate") is { } certificate ? X509Certificate2.CreateFromPem(certificate, Pem(user, "client-key")!) : null;
    }

    public Uri Server { get; }

    /// <summary>The bearer token, or null.</summary>
    public string? Token { get; }

    /// <summary>Sets TLS up for a connection to the server.</summary>
    internal void Configure(SslClientAuthenticationOptions tls)
    {
        if (_certificate is not null)
        {
            tls.ClientCertificates = [_certificate];
            tls.LocalCertificateSelectionCallback = (_, _, _, _, _) => _certificate;
        }

        if (_authority is not null)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { _authority },
                RevocationMode = X509RevocationMode.NoCheck,
            };
        }
    }

    private static YamlMappingNode Named(YamlMappingNode root, string list, string name, string content)
    {
        var entries = (YamlSequenceNode)root.Children[list];
        YamlMappingNode entry = entries.Cast<YamlMappingNode>().First(candidate => Text(candidate, "name") == name);
        return (YamlMappingNode)entry.Children[content];
    }

    private static string? Text(YamlMappingNode node, string key) =>
        node.Children.TryGetValue(key, out YamlNode? value) && value is YamlScalarNode scalar ? scalar.Value : null;

    private static string? Pem(YamlMappingNode node, string key) =>
        Text(node, $"{key}-data") is { } inline ? Encoding.UTF8.GetString(Convert.FromBase64String(inline))
        : Text(node, key) is { } file ? File.ReadAllText(file)
        : null;
}
