using System.Text;

namespace LoadBalancer.LocalCluster.ApiServer.Access;

/// <summary>Writes kubeconfig files (kubernetes.io, "Organizing cluster access using kubeconfig files").</summary>
public static class Kubeconfig
{
    /// <summary>Writes the file with mode 0600 and returns its path. The user is known by a token or by a certificate.</summary>
    public static string Write(string path, Uri endpoint, string caPem, string user, string? token, IssuedCertificate? certificate)
    {
        var credentials = token is not null
            ? $"    token: {token}"
            : $"    client-certificate-data: {Base64(certificate!.CertificatePem)}\n    client-key-data: {Base64(certificate.KeyPem)}";
        var text = $"""
            apiVersion: v1
            kind: Config
            clusters:
            - name: local
              cluster:
                server: {endpoint.GetLeftPart(UriPartial.Authority)}
                certificate-authority-data: {Base64(caPem)}
            users:
            - name: "{user}"
              user:
            {credentials}
            contexts:
            - name: local
              context:
                cluster: local
                user: "{user}"
            current-context: local

            """;

        // Written beside and moved into place: a program that starts meanwhile reads either nothing or all of it.
        var temporary = path + ".new";
        File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(temporary, options))
            file.Write(Encoding.UTF8.GetBytes(text));
        File.Move(temporary, path, overwrite: true);
        return path;
    }

    /// <summary>The groups a user of this name is in (kubernetes.io, "Authenticating").</summary>
    public static string[] GroupsOf(string user) => user.Split(':') switch
    {
        ["admin"] => ["system:masters", "system:authenticated"],
        ["system", "serviceaccount", var ns, _] => ["system:serviceaccounts", $"system:serviceaccounts:{ns}", "system:authenticated"],
        _ => ["system:authenticated"],
    };

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
