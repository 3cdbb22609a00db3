using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Storage;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>
/// GET of <c>pods/NAME/portforward?ports=N</c> as a WebSocket with the subprotocol <c>v4.channel.k8s.io</c>, as kubelets speak it: channel 0 is
/// the data of the one port, channel 1 an error, and the first message of each is the port's number.
/// </summary>
public sealed class PodForward(ObjectStore store, Func<string, int, CancellationToken, Task<Stream>>? connect)
{
    private const string Protocol = "v4.channel.k8s.io";

    public async Task AnswerAsync(ApiContext context)
    {
        StoredObject pod = store.Get(context.Kind.Collection, context.Info.Namespace, context.Info.Name) ?? throw ApiException.NotFound(context.Kind, context.Info.Name);
        if (connect is null || !context.Http.WebSockets.IsWebSocketRequest || !context.Http.WebSockets.WebSocketRequestedProtocols.Contains(Protocol))
            throw ApiException.BadRequest("unable to upgrade: only WebSockets are served here");
        int port = int.Parse(context.Query("ports"), CultureInfo.InvariantCulture);
        CancellationToken stop = context.Http.RequestAborted;
        using WebSocket socket = await context.Http.WebSockets.AcceptWebSocketAsync(Protocol);
        await SendPortAsync(socket, 0, port, stop);
        await SendPortAsync(socket, 1, port, stop);
        try
        {
            await using Stream inside = await connect(pod.Json.Text("status", "podIP"), port, stop);
            await Task.WhenAny(FromPodAsync(inside, socket, stop), ToPodAsync(socket, inside, stop));
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", stop);
        }
        catch (SocketException e)
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes($"\u0001an error occurred forwarding {port}: {e.Message}"), WebSocketMessageType.Binary, endOfMessage: true, stop);
        }
        catch (WebSocketException)
        {
            // The client has gone.
        }
    }

    private static async Task SendPortAsync(WebSocket socket, byte channel, int port, CancellationToken stop)
    {
        byte[] message = new byte[3];
        message[0] = channel;
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(1), (ushort)port);
        await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, stop);
    }

    private static async Task FromPodAsync(Stream inside, WebSocket socket, CancellationToken stop)
    {
        byte[] buffer = new byte[8192];
        while (await inside.ReadAsync(buffer.AsMemory(1), stop) is > 0 and var count)
        {
            buffer[0] = 0;
            await socket.SendAsync(buffer.AsMemory(0, 1 + count), WebSocketMessageType.Binary, endOfMessage: true, stop);
        }
    }

    private static async Task ToPodAsync(WebSocket socket, Stream inside, CancellationToken stop)
    {
        byte[] buffer = new byte[8192];
        bool begins = true;
        while (await socket.ReceiveAsync(buffer.AsMemory(), stop) is { MessageType: WebSocketMessageType.Binary } part)
        {
            await inside.WriteAsync(buffer.AsMemory(begins ? 1 : 0, part.Count - (begins ? 1 : 0)), stop);
            begins = part.EndOfMessage;
        }
    }
}
