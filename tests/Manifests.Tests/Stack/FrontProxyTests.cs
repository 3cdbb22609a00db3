using System.Text.RegularExpressions;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.Manifests.Tests.Stack;

/// <summary>The certificates of the script, judged by openssl.</summary>
public sealed partial class FrontProxyTests : IDisposable
{
    private static readonly string Script = ProjectFiles.At("manifests", "metrics-server", "front-proxy-certificates.sh");
    private readonly string _folder = Path.Combine(Directory.CreateTempSubdirectory("front-proxy-").FullName, "pki");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);

    [Fact]
    public void ClientCertificate_IsSignedByTheCaForClientsAndCarriesTheNameOfTheFlag()
    {
        var flags = Tool.Run(Script, [_folder]);
        var (ca, client) = (FlagFile(flags, "requestheader-client-ca-file"), FlagFile(flags, "proxy-client-cert-file"));
        Assert.Contains(": OK", Tool.Run("openssl", ["verify", "-purpose", "sslclient", "-CAfile", ca, client]), StringComparison.Ordinal);

        // It may be nothing but a client.
        Assert.NotEqual(0, Tool.Try("openssl", ["verify", "-purpose", "sslserver", "-CAfile", ca, client]).ExitCode);
        var name = AllowedName().Match(flags).Groups[1].Value;
        Assert.Equal($"subject=CN={name}", Tool.Run("openssl", ["x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in", client]).Trim());

        // The key belongs to the certificate.
        Assert.Equal(
            Tool.Run("openssl", ["x509", "-noout", "-pubkey", "-in", client]),
            Tool.Run("openssl", ["pkey", "-pubout", "-in", FlagFile(flags, "proxy-client-key-file")]));
    }

    [Fact]
    public void Flags_PrintedAndDocumented_AreTheSame()
    {
        var printed = FlagName().Matches(Tool.Run(Script, [_folder])).Select(match => match.Value).ToHashSet();
        Assert.Equal(8, printed.Count);
        var page = ProjectFiles.Read("docs", "metrics-server.md");
        Assert.All(printed, flag => Assert.Contains(flag, page, StringComparison.Ordinal));
    }

    [Fact]
    public void SecondRun_KeepsTheCaAndRenewsTheClientCertificate()
    {
        Tool.Run(Script, [_folder, "30"]);
        string[] before = [File.ReadAllText($"{_folder}/front-proxy-ca.crt"), File.ReadAllText($"{_folder}/front-proxy-client.crt")];
        Tool.Run(Script, [_folder, "30"]);
        Assert.Equal(before[0], File.ReadAllText($"{_folder}/front-proxy-ca.crt"));
        Assert.NotEqual(before[1], File.ReadAllText($"{_folder}/front-proxy-client.crt"));
        Assert.Equal(0, Tool.Try("openssl", ["x509", "-checkend", $"{29 * 86400}", "-in", $"{_folder}/front-proxy-client.crt"]).ExitCode);
        Assert.NotEqual(0, Tool.Try("openssl", ["x509", "-checkend", $"{31 * 86400}", "-in", $"{_folder}/front-proxy-client.crt"]).ExitCode);
    }

    [Fact]
    public void Keys_AreReadableByTheirOwnerOnly()
    {
        Tool.Run(Script, [_folder]);
        Assert.All(Directory.GetFiles(_folder, "*.key"), key =>
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key)));
    }

    [Fact]
    public void ClientCertificate_OfAnotherCa_DoesNotVerify()
    {
        Tool.Run(Script, [_folder]);
        Tool.Run(Script, [$"{_folder}/other"]);
        Assert.NotEqual(0, Tool.Try("openssl", ["verify", "-CAfile", $"{_folder}/front-proxy-ca.crt", $"{_folder}/other/front-proxy-client.crt"]).ExitCode);
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("-1")]
    public void Days_ThatAreNoNumber_AreRefused(string days)
    {
        var result = Tool.Try(Script, [_folder, days]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"'{days}'", result.Errors, StringComparison.Ordinal);
    }

    private static string FlagFile(string flags, string name) => Regex.Match(flags, $"--{name}=(.+)").Groups[1].Value;

    [GeneratedRegex("--requestheader-allowed-names=(.+)")]
    private static partial Regex AllowedName();

    [GeneratedRegex("--[a-z-]+(?==)")]
    private static partial Regex FlagName();
}
