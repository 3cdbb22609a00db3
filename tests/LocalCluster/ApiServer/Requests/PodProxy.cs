using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Storage;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>GET of <c>pods/NAME:PORT/proxy/PATH</c>: what the pod answers at its own address, without the caller's credentials.</summary>
public sealed class PodProxy(ObjectStore store)
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.FromSeconds(10) }) { Timeout = TimeSpan.FromSeconds(10) };

    public async Task AnswerAsync(ApiContext context)
    {
        string[] name = context.Info.Name.Split(':');
        string port = name.Length > 1 ? name[1] : "80";
        StoredObject pod = store.Get(context.Kind.Collection, context.Info.Namespace, name[0]) ?? throw ApiException.NotFound(context.Kind, name[0]);
        if (pod.Json.Text("status", "podIP") is not { Length: > 0 } address)
            throw ApiException.BadRequest("address not allowed");
        string path = context.Http.Request.Path.Value!;
        string rest = path[(path.IndexOf("/proxy", StringComparison.Ordinal) + "/proxy".Length)..];
        string host = address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;
        try
        {
            using HttpResponseMessage answer = await Http.GetAsync(new Uri($"http://{host}:{port}{rest}{context.Http.Request.QueryString}"), context.Http.RequestAborted);
            context.Http.Response.StatusCode = (int)answer.StatusCode;
            context.Http.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
            await answer.Content.CopyToAsync(context.Http.Response.Body, context.Http.RequestAborted);
        }
        catch (HttpRequestException e)
        {
            throw new ApiException(503, "ServiceUnavailable", $"error trying to reach service: {e.Message}", []);
        }
    }
}
