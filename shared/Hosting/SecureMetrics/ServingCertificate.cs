using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Hosting.SecureMetrics;

/// <summary>
/// What the program shows who connects by TLS: the certificate of a mounted Secret of the type <c>kubernetes.io/tls</c>, read again when it has
/// changed, or one that it signs itself. Without a readable one it goes on with what it has: figures that nobody can verify are better than a
/// program that does not run. For many callers at once.
/// </summary>
internal sealed partial class ServingCertificate : IDisposable
{
    // A Secret's volume follows within a minute or so; looking costs two small reads.
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SelfSignedFor = TimeSpan.FromDays(365);
    private static readonly TimeSpan ReplacedBefore = TimeSpan.FromDays(30);

    // For clients whose clock is behind.
    private static readonly TimeSpan SignedBefore = TimeSpan.FromHours(1);

    private readonly Lock sync = new();
    private readonly string? folder;
    private readonly string subject;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private SslStreamCertificateContext? context;
    private (string Certificate, string Key) read;
    private string? told;
    private long lookedAt;
    private bool isSelfSigned;

    /// <summary>A certificate that is made or read when the first client comes.</summary>
    /// <param name="folder">The folder with <c>tls.crt</c> and <c>tls.key</c>; null for one that is signed here.</param>
    /// <param name="subject">The name in that one.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it says what is wrong with the folder.</param>
    public ServingCertificate(string? folder, string subject, TimeProvider time, ILogger<ServingCertificate> logger)
    {
        (this.folder, this.subject, this.time, this.logger) = (folder, subject, time, logger);
    }

    /// <summary>The certificate, with the chain that belongs to it, to show now.</summary>
    public SslStreamCertificateContext Current()
    {
        lock (sync)
        {
            if (folder is not null && (context is null || time.GetElapsedTime(lookedAt) >= LookAgain))
            {
                lookedAt = time.GetTimestamp();
                ReadFolder_NeedsLock(folder);
            }

            if (context is null || (isSelfSigned && context.TargetCertificate.NotAfter.ToUniversalTime() - time.GetUtcNow().UtcDateTime < ReplacedBefore))
            {
                context = SslStreamCertificateContext.Create(SelfSigned(), additionalCertificates: null, offline: true);
                isSelfSigned = true;
            }

            return context;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (sync)
        {
            context?.TargetCertificate.Dispose();
        }
    }

    // The one that is replaced is left to the collector: a handshake may be using it.
    private void ReadFolder_NeedsLock(string from)
    {
        try
        {
            var found = (File.ReadAllText(Path.Combine(from, "tls.crt")), File.ReadAllText(Path.Combine(from, "tls.key")));
            if (found == read)
            {
                return;
            }

            context = Load(found.Item1, found.Item2);
            (read, isSelfSigned, told) = (found, false, null);
            var (name, until) = (context.TargetCertificate.Subject, context.TargetCertificate.NotAfter.ToUniversalTime());
            LogRead(logger, from, name, until);
        }
        catch (Exception e) when (read == default && e is FileNotFoundException or DirectoryNotFoundException)
        {
            // The Secret is optional.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            if (told != e.Message)
            {
                told = e.Message;
                LogUnreadable(logger, from, e.Message, context is null || isSelfSigned ? "one that is signed here is shown" : "the earlier one is shown");
            }
        }
    }

    private static SslStreamCertificateContext Load(string certificate, string key)
    {
        var leaf = X509Certificate2.CreateFromPem(certificate, key);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(certificate);
        return SslStreamCertificateContext.Create(leaf, chain, offline: true);
    }

    private X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={subject}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(subject);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));

        // RFC 5280 §4.2.1.12, id-kp-serverAuth.
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var now = time.GetUtcNow();
        return request.CreateSelfSigned(now - SignedBefore, now + SelfSignedFor);
    }

    [LoggerMessage(EventId = 60, Level = LogLevel.Information, Message = "/metrics shows the certificate of {Folder}: {Subject}, until {Until:u}")]
    private static partial void LogRead(ILogger logger, string folder, string subject, DateTime until);

    [LoggerMessage(EventId = 61, Level = LogLevel.Warning, Message = "{Folder} holds no certificate to show at /metrics: {Error} Put tls.crt and tls.key there (a Secret of the type kubernetes.io/tls); until then {Instead}.")]
    private static partial void LogUnreadable(ILogger logger, string folder, string error, string instead);
}
