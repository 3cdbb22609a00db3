using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LoadBalancer.LocalCluster.ApiServer.Requests;
using Microsoft.AspNetCore.Http;

namespace LoadBalancer.LocalCluster.ApiServer.Access;

/// <summary>Finds out who makes a request: bearer token, client certificate, impersonation by a cluster administrator.</summary>
public sealed class Authentication
{
    private readonly ConcurrentDictionary<string, User> _users = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _tokens = new(StringComparer.Ordinal);

    /// <summary>The token of a user; made at the first call, the same afterwards.</summary>
    public string TokenOf(string user) => _tokens.GetOrAdd(user, name =>
    {
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        _users[token] = User.Named(name);
        return token;
    });

    /// <summary>Whose a token is, or null.</summary>
    public User? OwnerOf(string token) => _users.GetValueOrDefault(token);

    /// <exception cref="ApiException">401: the token is not known; 403: no right to speak for another.</exception>
    public User Identify(HttpContext context)
    {
        var user = FromToken(context.Request) ?? FromCertificate(context.Connection.ClientCertificate) ?? User.Anonymous;
        var other = context.Request.Headers["Impersonate-User"].ToString();
        if (other.Length == 0)
            return user;
        if (!user.IsMaster)
            throw ApiException.Forbidden("", "users", other, $"User \"{user.Name}\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope");
        return new User(other, [.. User.Named(other).Groups, .. context.Request.Headers["Impersonate-Group"].OfType<string>()]);
    }

    private User? FromToken(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (!header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
            return null;
        return _users.TryGetValue(header["Bearer ".Length..].Trim(), out var user) ? user : throw ApiException.Unauthorized();
    }

    // Kestrel has checked by then that our CA signed it.
    private static User? FromCertificate(X509Certificate2? certificate)
    {
        if (certificate is null)
            return null;
        var name = "";
        var groups = new List<string> { "system:authenticated" };
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            if (part.GetSingleElementType().Value == "2.5.4.3")
                name = part.GetSingleElementValue() ?? "";
            else if (part.GetSingleElementType().Value == "2.5.4.10" && part.GetSingleElementValue() is { } group)
                groups.Add(group);
        }

        return name.Length == 0 ? null : new User(name, groups);
    }
}
