using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>Bodies of requests, written by hand: nothing is sent that is not meant, and no serializer is linked in.</summary>
internal static class JsonBody
{
    /// <summary>The JSON text a writer action produces.</summary>
    internal static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            write(writer);
        }

        return buffer.WrittenMemory;
    }

    /// <summary>
    /// meta/v1 MicroTime: always six digits. The API server refuses the form without a fraction that serializers write on whole seconds.
    /// </summary>
    internal static void WriteMicroTime(this Utf8JsonWriter writer, string name, DateTimeOffset time) =>
        writer.WriteString(name, time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));

    /// <summary>meta/v1 Time: whole seconds.</summary>
    internal static void WriteTime(this Utf8JsonWriter writer, string name, DateTimeOffset time) =>
        writer.WriteString(name, time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));

    internal static void WriteMap(this Utf8JsonWriter writer, string name, IReadOnlyDictionary<string, string> map)
    {
        writer.WriteStartObject(name);
        foreach (var (key, value) in map)
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
    }
}
