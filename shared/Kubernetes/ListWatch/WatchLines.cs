using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.ListWatch.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch;

/// <summary>
/// The body of a watch: one JSON document a line, however the network cuts it up. A line is read where it lies in the receive
/// buffers; only what is kept of the object is allocated.
/// </summary>
/// <typeparam name="T">The kind.</typeparam>
internal sealed class WatchLines<T> : IAsyncDisposable
    where T : class, IResource
{
    // etcd takes objects up to 1.5 MB; more than this is no watch event, and must not fill the memory.
    internal const int LongestLine = 16 * 1024 * 1024;

    private readonly PipeReader pipe;
    private readonly ResourceKind<T> kind;
    private readonly StringPool strings;
    private readonly string request;

    internal WatchLines(Stream stream, ResourceKind<T> kind, StringPool strings, string request)
    {
        pipe = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024, leaveOpen: true));
        this.kind = kind;
        this.strings = strings;
        this.request = request;
    }

    /// <summary>The next event, or null when the server has closed the stream.</summary>
    /// <exception cref="InvalidDataException">A line cannot be understood, or the stream ends within one.</exception>
    internal async ValueTask<WatchEvent<T>?> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await pipe.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (TryTakeLine(read, out var line))
            {
                var next = Parse(line);
                pipe.AdvanceTo(line.End.Equals(read.Buffer.End) ? line.End : read.Buffer.GetPosition(1, line.End));
                if (next is not null)
                {
                    return next;
                }

                continue;
            }

            if (read.IsCompleted)
            {
                pipe.AdvanceTo(read.Buffer.End);
                return null;
            }

            if (read.Buffer.Length > LongestLine)
            {
                throw new InvalidDataException($"{request}: a line is longer than {LongestLine} bytes");
            }

            pipe.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    public ValueTask DisposeAsync() => pipe.CompleteAsync();

    // What stands before the end of the stream without a newline is a line too: whole, or garbage.
    private static bool TryTakeLine(ReadResult read, out ReadOnlySequence<byte> line)
    {
        var end = read.Buffer.PositionOf((byte)'\n');
        line = end is { } position ? read.Buffer.Slice(0, position) : read.Buffer;
        return end is not null || (read.IsCompleted && !read.Buffer.IsEmpty);
    }

    private WatchEvent<T>? Parse(ReadOnlySequence<byte> line)
    {
        try
        {
            return IsBlank(line) ? null : ParseEvent(line);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{request}: a line cannot be understood: {e.Message}; it begins with {Start(line)}", e);
        }
    }

    private WatchEvent<T> ParseEvent(ReadOnlySequence<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        var body = default(Utf8JsonReader);
        var hasObject = false;
        var type = "";
        if (!reader.EnterObject())
        {
            throw new JsonException("it is null");
        }

        // The type decides how the object is read, and the order of fields is not promised: the place is remembered.
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("type"u8))
            {
                type = reader.ReadText(strings);
            }
            else if (reader.ValueTextEquals("object"u8))
            {
                body = reader;
                hasObject = true;
                reader.Skip();
            }
            else
            {
                reader.Skip();
            }
        }

        return hasObject && body.EnterObject() ? ToEvent(type, ref body) : throw new JsonException("it has no object");
    }

    private WatchEvent<T> ToEvent(string type, ref Utf8JsonReader body)
    {
        if (type == "ERROR")
        {
            throw ApiException.FromErrorEvent(request, ref body);
        }

        var read = kind.Read(ref body, strings);
        var (eventType, named) = type switch
        {
            "ADDED" => (WatchEventType.Added, true),
            "MODIFIED" => (WatchEventType.Modified, true),
            "DELETED" => (WatchEventType.Deleted, true),
            "BOOKMARK" => (WatchEventType.Bookmark, false),
            _ => throw new JsonException($"its type '{type}' is unknown"),
        };
        if (read.ResourceVersion.Length == 0 || (named && string.IsNullOrEmpty(read.Key.Name)))
        {
            throw new JsonException("its object has no name or no resourceVersion");
        }

        return new WatchEvent<T>(eventType, named ? read : null, read.ResourceVersion);
    }

    private static bool IsBlank(ReadOnlySequence<byte> line)
    {
        foreach (var segment in line)
        {
            if (segment.Span.ContainsAnyExcept(" \t\r"u8))
            {
                return false;
            }
        }

        return true;
    }

    private static string Start(ReadOnlySequence<byte> line) =>
        Encoding.UTF8.GetString(line.Slice(0, Math.Min(80, line.Length)));
}
