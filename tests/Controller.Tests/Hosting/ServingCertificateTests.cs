using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LoadBalancer.Hosting.SecureMetrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Controller.Tests.Hosting;

public sealed class ServingCertificateTests : IDisposable
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly string folder = Directory.CreateTempSubdirectory("certificate-").FullName;
    private readonly WarningLog log = new();

    [Fact]
    public void WithoutAFolder_TheProgramSignsOne_ForServersOnly()
    {
        using var certificate = new ServingCertificate(null, "loadbalancer-speaker", time, log);

        var shown = certificate.Current().TargetCertificate;

        Assert.Equal(("CN=loadbalancer-speaker", "CN=loadbalancer-speaker"), (shown.Subject, shown.Issuer));
        Assert.True(shown.MatchesHostname("loadbalancer-speaker"));
        Assert.False(shown.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.Equal("1.3.6.1.5.5.7.3.1", Assert.Single(shown.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.Cast<Oid>()).Value);
        Assert.Same(certificate.Current(), certificate.Current());
    }

    [Fact]
    public void OneSignedHere_IsReplacedBeforeItEnds()
    {
        using var certificate = new ServingCertificate(null, "x", time, log);
        var first = certificate.Current().TargetCertificate.Thumbprint;
        time.Advance(TimeSpan.FromDays(336));
        var second = certificate.Current().TargetCertificate;
        Assert.NotEqual(first, second.Thumbprint);
        Assert.True(second.NotAfter.ToUniversalTime() > time.GetUtcNow().UtcDateTime + TimeSpan.FromDays(300));
    }

    [Fact]
    public void MountedOne_IsShown_AndItsSuccessorWithinSecondsOfAChange()
    {
        Write("CN=first");
        using var certificate = new ServingCertificate(folder, "x", time, log);
        Assert.Equal("CN=first", certificate.Current().TargetCertificate.Subject);

        Write("CN=second");
        Assert.Equal("CN=first", certificate.Current().TargetCertificate.Subject);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("CN=second", certificate.Current().TargetCertificate.Subject);
    }

    [Fact]
    public void ChangeThatCannotBeRead_KeepsTheEarlierOne_AndIsSaidOnce()
    {
        Write("CN=first");
        using var certificate = new ServingCertificate(folder, "x", time, log);
        certificate.Current();
        File.WriteAllText(Path.Combine(folder, "tls.key"), "nonsense");

        for (var i = 0; i < 3; i++)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            Assert.Equal("CN=first", certificate.Current().TargetCertificate.Subject);
        }

        var warning = Assert.Single(log.Warnings);
        Assert.Contains(folder, warning, StringComparison.Ordinal);
        Assert.EndsWith("until then the earlier one is shown.", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void FolderWithoutACertificate_IsNoMistake_AndOneIsSignedUntilItComes()
    {
        using var certificate = new ServingCertificate(folder, "x", time, log);
        Assert.Equal("CN=x", certificate.Current().TargetCertificate.Subject);
        Assert.Empty(log.Warnings);

        Write("CN=mounted");
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("CN=mounted", certificate.Current().TargetCertificate.Subject);
    }

    [Fact]
    public void KeyOfAnotherCertificate_IsNotTaken()
    {
        Write("CN=first");
        var key = File.ReadAllText(Path.Combine(folder, "tls.key"));
        Write("CN=second");
        File.WriteAllText(Path.Combine(folder, "tls.key"), key);
        using var certificate = new ServingCertificate(folder, "x", time, log);
        Assert.Equal("CN=x", certificate.Current().TargetCertificate.Subject);
        Assert.EndsWith("until then one that is signed here is shown.", Assert.Single(log.Warnings), StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void Write(string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest(subject, key, HashAlgorithmName.SHA256).CreateSelfSigned(time.GetUtcNow(), time.GetUtcNow().AddYears(1));
        File.WriteAllText(Path.Combine(folder, "tls.crt"), made.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "tls.key"), key.ExportPkcs8PrivateKeyPem());
    }

    private sealed class WarningLog : ILogger<ServingCertificate>
    {
        public List<string> Warnings { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Warning)
            {
                Warnings.Add(formatter(state, exception));
            }
        }
    }
}
