using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>An answer: status, headers that matter, and the body if it is JSON.</summary>
public sealed record Answer(int Status, JsonNode? Body, IReadOnlyList<string> Warnings, string? RetryAfter)
{
    public string Text(params string[] path) => Body.Text(path);

    public string Reason => Body.Text("reason");

    public string Message => Body.Text("message");

    /// <summary>The fields that <c>details.causes</c> names.</summary>
    public IEnumerable<string> Fields => Body.Objects("details", "causes").Select(c => c.Text("field"));
}

/// <summary>One line of a watch.</summary>
public sealed record WatchLine(string Type, JsonNode Object)
{
    public override string ToString() => $"{Type} {Object.Text("metadata", "name")}";
}

/// <summary>A bare client: what a test sends is what the server gets.</summary>
public sealed class Api : IDisposable
{
    public const string Merge = "application/merge-patch+json";
    public const string Strategic = "application/strategic-merge-patch+json";
    public const string JsonPatch = "application/json-patch+json";
    public const string Apply = "application/apply-patch+yaml";
    public const string TableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io";

    private readonly HttpClient _client;

    private Api(HttpClient client) => _client = client;

    public static Api FromKubeconfig(string path)
    {
        var config = YamlText.Parse(File.ReadAllText(path));
        var cluster = config.Objects("clusters").Single()["cluster"];
        var user = config.Objects("users").Single()["user"];
        var authority = X509Certificate2.CreateFromPem(Decode(cluster.Text("certificate-authority-data")));
        var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true };
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            CustomTrustStore = { authority },
        };
        var client = new HttpClient(handler)
        {
            BaseAddress = new Uri(cluster.Text("server")),
            Timeout = TimeSpan.FromSeconds(60),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        if (user.Text("token") is { Length: > 0 } token)
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
        else
        {
            using var pair = X509Certificate2.CreateFromPem(Decode(user.Text("client-certificate-data")), Decode(user.Text("client-key-data")));
            handler.SslOptions.ClientCertificates = [X509CertificateLoader.LoadPkcs12(pair.Export(X509ContentType.Pkcs12), null)];
        }

        return new Api(client);
    }

    public Task<Answer> GetAsync(string path, string? accept = null) => SendAsync(HttpMethod.Get, path, null, null, accept);

    public Task<Answer> PostAsync(string path, string body) => SendAsync(HttpMethod.Post, path, body);

    public Task<Answer> PutAsync(string path, string body) => SendAsync(HttpMethod.Put, path, body);

    public Task<Answer> PatchAsync(string path, string type, string body) => SendAsync(HttpMethod.Patch, path, body, type);

    public Task<Answer> DeleteAsync(string path, string? body = null) => SendAsync(HttpMethod.Delete, path, body);

    public async Task<Answer> SendAsync(HttpMethod method, string path, string? body, string? type = null, string? accept = null)
    {
        using var request = new HttpRequestMessage(method, path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        request.Headers.TryAddWithoutValidation("Accept", accept ?? "application/json");
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type ?? "application/json");
        }

        using var response = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        var bytes = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        // The index of /openapi/v3 is JSON that kube-apiserver calls plain text.
        var json = bytes is [(byte)'{', ..] ? JsonText.Parse(bytes) : JsonValue.Create(Encoding.UTF8.GetString(bytes));
        var warnings = response.Headers.TryGetValues("Warning", out var values) ? values.ToList() : [];
        return new Answer((int)response.StatusCode, json, warnings, response.Headers.RetryAfter?.ToString());
    }

    /// <summary>A namespace of the test's own; returns its path.</summary>
    public async Task<string> NewNamespaceAsync()
    {
        var name = $"t-{Guid.NewGuid():N}"[..20];
        Assert.Equal(201, (await PostAsync("/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{name}}}"}}""")).Status);
        return $"/api/v1/namespaces/{name}";
    }

    /// <summary>The lines of a watch until the server ends it.</summary>
    public async IAsyncEnumerable<WatchLine> WatchAsync(string path, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            var json = JsonText.Parse(Encoding.UTF8.GetBytes(line));
            yield return new WatchLine(json.Text("type"), json.At("object")!);
        }
    }

    public void Dispose() => _client.Dispose();

    private static string Decode(string base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64));
}
