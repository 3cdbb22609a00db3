using System.Text.Json;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>What is used of a <c>meta/v1 Status</c>.</summary>
internal sealed record StatusJson(int Code, string Reason, string Message, TimeSpan? RetryAfter)
{
    /// <summary>Reads the body of an error response; null if it is no Status.</summary>
    internal static StatusJson? TryRead(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject ? Read(ref reader) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads the object the reader stands at the start of.</summary>
    internal static StatusJson Read(ref Utf8JsonReader reader)
    {
        var code = 0;
        string reason = "", message = "";
        TimeSpan? retryAfter = null;
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("code"u8))
            {
                code = reader.ReadNumber();
            }
            else if (reader.ValueTextEquals("reason"u8))
            {
                reason = reader.ReadText();
            }
            else if (reader.ValueTextEquals("message"u8))
            {
                message = reader.ReadText();
            }
            else if (reader.ValueTextEquals("details"u8))
            {
                retryAfter = ReadRetryAfter(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return new StatusJson(code, reason, message, retryAfter);
    }

    private static TimeSpan? ReadRetryAfter(ref Utf8JsonReader reader)
    {
        TimeSpan? retryAfter = null;
        if (!reader.EnterObject())
        {
            return retryAfter;
        }

        while (reader.NextField())
        {
            if (reader.ValueTextEquals("retryAfterSeconds"u8))
            {
                var seconds = reader.ReadNumber();
                retryAfter = seconds > 0 ? TimeSpan.FromSeconds(seconds) : null;
            }
            else
            {
                reader.Skip();
            }
        }

        return retryAfter;
    }
}
