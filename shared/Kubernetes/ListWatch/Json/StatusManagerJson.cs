using System.Text.Json;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>
/// Of <c>metadata.managedFields</c> the one thing that is used: who wrote <c>status.loadBalancer</c> last. The rest of it, which is often
/// the larger part of an object, is passed over without becoming text.
/// </summary>
internal static class StatusManagerJson
{
    /// <summary>The manager whose entry has <c>status.loadBalancer</c>, of several the latest; empty if there is none.</summary>
    internal static string Read(ref Utf8JsonReader reader, StringPool strings)
    {
        var latest = "";
        var latestTime = DateTimeOffset.MinValue;
        if (!reader.EnterArray())
        {
            return latest;
        }

        while (reader.NextElement())
        {
            var (manager, time, hasStatus) = ReadEntry(ref reader, strings);
            if (hasStatus && time >= latestTime)
            {
                (latest, latestTime) = (manager, time);
            }
        }

        return latest;
    }

    private static (string Manager, DateTimeOffset Time, bool HasStatus) ReadEntry(ref Utf8JsonReader reader, StringPool strings)
    {
        var manager = "";
        var time = DateTimeOffset.MinValue;
        var hasStatus = false;
        if (!reader.IsObject())
        {
            return (manager, time, hasStatus);
        }

        while (reader.NextField())
        {
            if (reader.ValueTextEquals("manager"u8))
            {
                manager = reader.ReadText(strings);
            }
            else if (reader.ValueTextEquals("time"u8))
            {
                time = reader.ReadTime() ?? DateTimeOffset.MinValue;
            }
            else if (reader.ValueTextEquals("fieldsV1"u8))
            {
                hasStatus = Has(ref reader, "f:status"u8, "f:loadBalancer"u8);
            }
            else
            {
                reader.Skip();
            }
        }

        return (manager, time, hasStatus);
    }

    // Whether the object has a field with this field in it.
    private static bool Has(ref Utf8JsonReader reader, ReadOnlySpan<byte> outer, ReadOnlySpan<byte> inner)
    {
        var found = false;
        if (!reader.EnterObject())
        {
            return found;
        }

        while (reader.NextField())
        {
            if (!reader.ValueTextEquals(outer) || !reader.EnterObject())
            {
                reader.Skip();
                continue;
            }

            while (reader.NextField())
            {
                found |= reader.ValueTextEquals(inner);
                reader.Skip();
            }
        }

        return found;
    }
}
