using System.Buffers;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>A response read into borrowed memory: pages of a list are a megabyte each and must not become garbage.</summary>
internal sealed class ResponseBody : IDisposable
{
    private byte[] buffer;
    private int length;

    private ResponseBody(int capacity) => buffer = ArrayPool<byte>.Shared.Rent(capacity);

    internal ReadOnlySpan<byte> Span => buffer.AsSpan(0, length);

    internal static async Task<ResponseBody> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = new ResponseBody((int)Math.Clamp(response.Content.Headers.ContentLength ?? 16_384, 1_024, 64 * 1024 * 1024));
        try
        {
            await body.FillAsync(response, cancellationToken).ConfigureAwait(false);
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        var returned = buffer;
        buffer = [];
        length = 0;
        if (returned.Length > 0)
        {
            // A response may be a Secret.
            ArrayPool<byte>.Shared.Return(returned, clearArray: true);
        }
    }

    private async Task FillAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            if (length == buffer.Length)
            {
                Grow();
            }

            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return;
            }

            length += read;
        }
    }

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(checked(buffer.Length * 2));
        buffer.AsSpan(0, length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        buffer = larger;
    }
}
