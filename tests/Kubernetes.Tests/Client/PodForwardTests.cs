using System.Net;
using System.Net.WebSockets;
using System.Text;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace LoadBalancer.Kubernetes.Tests.Client;

/// <summary>A pod that tells on its loopback only is asked by port-forward, over a WebSocket as kubelets speak it.</summary>
public sealed class PodForwardTests
{
    private const string Refusal = "With --secure-metrics this is told on loopback only";
    private static readonly ObjectKey Pod = new("lb", "speaker-a");

    [Fact]
    public async Task PodThatRefusesItsProxy_IsAskedByPortForward()
    {
        await using var server = await ScriptedServer.StartAsync();
        var asked = "";
        server.Then(403, Refusal).Then(context => ForwardAsync(context, async socket =>
        {
            asked = await ReceiveAsync(socket);

            // The answer in two messages, cut where no field ends.
            await SendAsync(socket, 0, "HTTP/1.1 200 OK\r\nContent-Le");
            await SendAsync(socket, 0, "ngth: 2\r\n\r\n{}");
        }));

        var answer = await Reader(server).GetFromPodAsync(Pod, 7473, "status?address=10.0.0.1", Cancel);

        Assert.Equal("{}", Encoding.UTF8.GetString(answer));
        Assert.StartsWith("GET /status?address=10.0.0.1 HTTP/1.1\r\n", asked, StringComparison.Ordinal);
        Assert.Equal(["GET /api/v1/namespaces/lb/pods/speaker-a:7473/proxy/status?address=10.0.0.1", "GET /api/v1/namespaces/lb/pods/speaker-a/portforward?ports=7473"], server.Requests.Select(seen => seen.ToString()));
    }

    [Fact]
    public async Task RefusalOfTheApiServerItself_IsNotGoneRound()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(403, Json.Failure(403, "Forbidden"));

        Assert.Equal("Forbidden", (await Assert.ThrowsAsync<ApiException>(() => Reader(server).GetFromPodAsync(Pod, 7473, "status", Cancel))).Reason);
    }

    [Fact]
    public async Task PortForwardThatIsNotAllowed_IsAnApiExceptionWithItsPath()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(403, Refusal).Then(403, Json.Failure(403, "Forbidden"));

        var refused = await Assert.ThrowsAsync<ApiException>(() => Reader(server).GetFromPodAsync(Pod, 7473, "status", Cancel));

        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains("/portforward", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ErrorOnTheSecondChannel_IsSaid()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(403, Refusal).Then(context => ForwardAsync(context, socket => SendAsync(socket, 1, "connection refused")));

        var failed = await Assert.ThrowsAnyAsync<HttpRequestException>(() => Reader(server).GetFromPodAsync(Pod, 7473, "status", Cancel));

        Assert.Contains("connection refused", failed.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnswerOfThePod_ThatIsNone_IsAnApiException()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(403, Refusal).Then(context => ForwardAsync(context, async socket =>
        {
            await ReceiveAsync(socket);
            await SendAsync(socket, 0, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\n\r\nstarting");
        }));

        var refused = await Assert.ThrowsAsync<ApiException>(() => Reader(server).GetFromPodAsync(Pod, 7473, "status", Cancel));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Contains("starting", refused.Message, StringComparison.Ordinal);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static ApiReader Reader(ScriptedServer server) =>
        new(server.Client(TimeProvider.System, ApiUse.Viewer with { Grants = [.. ApiUse.Viewer.Grants, .. ApiUse.Forwarding] }), TimeProvider.System);

    // The first message of each channel is the port's number, little-endian.
    private static async Task ForwardAsync(HttpContext context, Func<WebSocket, Task> then)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync("v4.channel.k8s.io");
        byte[] port = [7473 & 0xFF, 7473 >> 8];
        await socket.SendAsync(new byte[] { 0, port[0], port[1] }, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        await socket.SendAsync(new byte[] { 1, port[0], port[1] }, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        await then(socket);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
    }

    private static async Task<string> ReceiveAsync(WebSocket socket)
    {
        var buffer = new byte[4096];
        var received = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
        Assert.Equal(0, buffer[0]);
        return Encoding.ASCII.GetString(buffer, 1, received.Count - 1);
    }

    private static Task SendAsync(WebSocket socket, byte channel, string text) =>
        socket.SendAsync(Encoding.ASCII.GetBytes((char)channel + text), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
}
