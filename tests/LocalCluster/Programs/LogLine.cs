using System.Text.Json;

namespace LoadBalancer.LocalCluster.Programs;

/// <summary>A line of a program's log as a person reads it.</summary>
internal static class LogLine
{
    /// <summary>Time, level, source and message of a JSON line, and its exception; any other line as it is.</summary>
    internal static string Shorten(string line)
    {
        if (!line.StartsWith('{'))
        {
            return line;
        }

        try
        {
            using JsonDocument entry = JsonDocument.Parse(line);
            string Text(string name) => entry.RootElement.TryGetProperty(name, out JsonElement value) ? value.ToString() : "";
            string source = Text("Category")[(Text("Category").LastIndexOf('.') + 1)..];
            string exception = Text("Exception") is { Length: > 0 } thrown ? $"\n    {thrown}" : "";
            return $"{Text("Timestamp")} {Text("LogLevel")} {source}: {Text("Message")}{exception}";
        }
        catch (JsonException)
        {
            return line;
        }
    }
}
