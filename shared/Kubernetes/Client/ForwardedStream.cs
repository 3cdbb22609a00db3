using System.Buffers;
using System.Net.WebSockets;
using System.Text;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>
/// A connection to a port of a pod, as the API server's <c>portforward</c> carries it over a WebSocket with the protocol
/// <see cref="Protocol"/>: each message begins with the number of its channel, 0 for data and 1 for an error, and the first of each channel
/// has only the port's number.
/// </summary>
/// <param name="socket">The WebSocket; it ends with the stream.</param>
internal sealed class ForwardedStream(WebSocket socket) : Stream
{
    /// <summary>The WebSocket's subprotocol.</summary>
    internal const string Protocol = "v4.channel.k8s.io";

    private const byte Data = 0;
    private const int PortBytes = sizeof(ushort);

    private readonly ArrayBufferWriter<byte> message = new(4096);
    private readonly bool[] begun = new bool[2];
    private int taken;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (taken == message.WrittenCount)
        {
            if (!await ReceiveAsync(cancellationToken).ConfigureAwait(false))
            {
                return 0;
            }
        }

        var count = Math.Min(buffer.Length, message.WrittenCount - taken);
        message.WrittenSpan.Slice(taken, count).CopyTo(buffer.Span);
        taken += count;
        return count;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var framed = new byte[1 + buffer.Length];
        framed[0] = Data;
        buffer.CopyTo(framed.AsMemory(1));
        try
        {
            await socket.SendAsync(framed, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken).ConfigureAwait(false);
        }
        catch (WebSocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            socket.Dispose();
        }

        base.Dispose(disposing);
    }

    // One message; false when the other side has ended.
    private async Task<bool> ReceiveAsync(CancellationToken stop)
    {
        message.ResetWrittenCount();
        taken = 0;
        try
        {
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(message.GetMemory(4096), stop).ConfigureAwait(false);
                message.Advance(part.Count);
            }
            while (!part.EndOfMessage);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                taken = message.WrittenCount;
                return false;
            }
        }
        catch (WebSocketException e)
        {
            throw new IOException(e.Message, e);
        }

        Interpret();
        return true;
    }

    private void Interpret()
    {
        if (message.WrittenCount == 0 || message.WrittenSpan[0] >= begun.Length)
        {
            throw new IOException("the API server sent what is no message of a forwarded port");
        }

        var channel = message.WrittenSpan[0];
        taken = begun[channel] ? 1 : Math.Min(1 + PortBytes, message.WrittenCount);
        begun[channel] = true;
        if (channel != Data && taken < message.WrittenCount)
        {
            throw new IOException(Encoding.UTF8.GetString(message.WrittenSpan[taken..]));
        }
    }
}
