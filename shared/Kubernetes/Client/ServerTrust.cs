using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>
/// Checks the API server's certificate as client-go does: its name or address must match, and it must be signed by one of the given
/// authorities and no other; an authority need not be self-signed.
/// </summary>
/// <remarks>
/// Replaces the official client's check, which accepts a certificate of another name if its chain is good, and one signed by any of the
/// machine's authorities.
/// </remarks>
internal static class ServerTrust
{
    internal static void Apply(SslClientAuthenticationOptions options, X509Certificate2Collection? authorities)
    {
        if (authorities is null || authorities.Count == 0)
        {
            options.RemoteCertificateValidationCallback = null;
            return;
        }

        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        var trusted = new X509Certificate2Collection();
        foreach (var authority in authorities)
        {
            // The client disposes its own copies.
            trusted.Add(X509CertificateLoader.LoadCertificate(authority.RawData));
        }

        policy.CustomTrustStore.AddRange(trusted);
        options.CertificateChainPolicy = policy;
        options.RemoteCertificateValidationCallback = (_, _, chain, errors) => IsTrusted(chain, errors, trusted);
    }

    internal static bool IsTrusted(X509Chain? chain, SslPolicyErrors errors, X509Certificate2Collection authorities)
    {
        if (errors == SslPolicyErrors.None)
        {
            return true;
        }

        // What is left to accept: a chain that ends at a given authority which is itself signed by someone not given.
        return errors == SslPolicyErrors.RemoteCertificateChainErrors
            && chain is { ChainElements.Count: > 1 }
            && chain.ChainStatus.All(static status => status.Status == X509ChainStatusFlags.PartialChain)
            && authorities.Any(authority => authority.RawDataMemory.Span.SequenceEqual(chain.ChainElements[^1].Certificate.RawDataMemory.Span));
    }
}
