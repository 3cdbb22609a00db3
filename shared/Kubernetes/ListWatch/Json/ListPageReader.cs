using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>
/// Reads one page of a LIST object by object as it arrives, however the network cuts it up: of a page of a megabyte no more than one object and
/// what came with it is in memory at a time.
/// </summary>
/// <typeparam name="T">The kind.</typeparam>
internal sealed class ListPageReader<T>
    where T : class, IResource
{
    private readonly ResourceKind<T> kind;
    private readonly StringPool strings;
    private readonly List<T> items;
    private JsonReaderState state;
    private Place place = Place.Before;
    private bool isList;

    /// <param name="kind">How an object is read.</param>
    /// <param name="strings">The texts that come often.</param>
    /// <param name="items">Receives the objects that are kept.</param>
    internal ListPageReader(ResourceKind<T> kind, StringPool strings, List<T> items)
    {
        this.kind = kind;
        this.strings = strings;
        this.items = items;
    }

    private enum Place
    {
        Before,
        InList,
        InItems,
        After,
    }

    /// <summary>The version of the list.</summary>
    internal string Version { get; private set; } = "";

    /// <summary>The token of the next page, or empty.</summary>
    internal string Continue { get; private set; } = "";

    /// <summary>How many objects the page has, those included of which nothing is kept.</summary>
    internal int Count { get; private set; }

    /// <summary>Reads the page.</summary>
    /// <exception cref="JsonException">It is no list, or ends too early.</exception>
    internal async Task ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var pipe = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024, leaveOpen: true));
        try
        {
            while (place != Place.After)
            {
                var read = await pipe.ReadAsync(cancellationToken).ConfigureAwait(false);
                pipe.AdvanceTo(Consume(read.Buffer, read.IsCompleted), read.Buffer.End);
                if (read.IsCompleted && place != Place.After)
                {
                    throw new JsonException("the list ends in the middle");
                }
            }
        }
        finally
        {
            await pipe.CompleteAsync().ConfigureAwait(false);
        }

        // Taken for an empty list, some other document would look like the deletion of everything.
        if (!isList || Version.Length == 0)
        {
            throw new JsonException("it has no items or no metadata.resourceVersion");
        }
    }

    // As far as it goes; the rest is looked at again when more has come.
    private SequencePosition Consume(in ReadOnlySequence<byte> buffer, bool isLast)
    {
        var reader = new Utf8JsonReader(buffer, isLast, state);
        while (place != Place.After)
        {
            var before = reader;
            if (!TryStep(ref reader, buffer))
            {
                reader = before;
                break;
            }
        }

        state = reader.CurrentState;
        return reader.Position;
    }

    private bool TryStep(ref Utf8JsonReader reader, in ReadOnlySequence<byte> buffer) => place switch
    {
        Place.Before => TryBegin(ref reader),
        Place.InItems => TryItem(ref reader, buffer),
        _ => TryField(ref reader, buffer),
    };

    private bool TryBegin(ref Utf8JsonReader reader)
    {
        if (!reader.Read())
        {
            return false;
        }

        place = reader.IsObject() ? Place.InList : throw new JsonException("the list is null");
        return true;
    }

    private bool TryItem(ref Utf8JsonReader reader, in ReadOnlySequence<byte> buffer)
    {
        if (!reader.Read())
        {
            return false;
        }

        if (reader.TokenType == JsonTokenType.EndArray)
        {
            place = Place.InList;
            return true;
        }

        if (!TryTake(ref reader, buffer, out var item))
        {
            return false;
        }

        Count++;
        _ = item.EnterObject();
        if (kind.Read(ref item, strings) is { IsKept: true } kept)
        {
            items.Add(kept);
        }

        return true;
    }

    private bool TryField(ref Utf8JsonReader reader, in ReadOnlySequence<byte> buffer)
    {
        if (!reader.Read())
        {
            return false;
        }

        if (reader.TokenType == JsonTokenType.EndObject)
        {
            place = Place.After;
            return true;
        }

        var isItems = reader.ValueTextEquals("items"u8);
        var isMeta = reader.ValueTextEquals("metadata"u8);
        if (!reader.Read())
        {
            return false;
        }

        if (isItems && reader.TokenType == JsonTokenType.StartArray)
        {
            isList = true;
            place = Place.InItems;
            return true;
        }

        if (!TryTake(ref reader, buffer, out var value))
        {
            return false;
        }

        if (isItems)
        {
            // Null, which is how Go writes an empty one; anything else is refused.
            isList = true;
            _ = value.EnterArray();
        }
        else if (isMeta)
        {
            ReadMeta(ref value);
        }

        return true;
    }

    private void ReadMeta(ref Utf8JsonReader reader)
    {
        if (!reader.EnterObject())
        {
            return;
        }

        while (reader.NextField())
        {
            if (reader.ValueTextEquals("resourceVersion"u8))
            {
                Version = reader.ReadText();
            }
            else if (reader.ValueTextEquals("continue"u8))
            {
                Continue = reader.ReadText();
            }
            else
            {
                reader.Skip();
            }
        }
    }

    // The value the reader stands on, if all of it is there, for a reader of its own: one in the middle of a stream cannot skip.
    private static bool TryTake(ref Utf8JsonReader reader, in ReadOnlySequence<byte> buffer, out Utf8JsonReader value)
    {
        var start = reader.TokenStartIndex;
        if (!reader.TrySkip())
        {
            value = default;
            return false;
        }

        var bytes = buffer.Slice(start, reader.BytesConsumed - start);
        value = bytes.IsSingleSegment ? new Utf8JsonReader(bytes.FirstSpan) : new Utf8JsonReader(bytes);
        return true;
    }
}
