using System.Text.Json.Nodes;

namespace LoadBalancer.LocalCluster.Client;

/// <summary>Prints a <c>meta.k8s.io/v1 Table</c> as kubectl does: the columns of priority 0, padded, three spaces apart.</summary>
public static class ServerTable
{
    public static string Format(JsonObject table)
    {
        int[] columns = [.. table["columnDefinitions"]!.AsArray().Index().Where(column => (int?)column.Item!["priority"] is null or 0).Select(column => column.Index)];
        IEnumerable<string> head = columns.Select(column => ((string)table["columnDefinitions"]![column]!["name"]!).ToUpperInvariant());
        IEnumerable<IEnumerable<string>> rows = table["rows"]!.AsArray().Select(row => columns.Select(column => row!["cells"]![column]?.ToString() ?? "<none>"));
        List<string[]> lines = [.. rows.Prepend(head).Select(line => line.ToArray())];
        int[] widths = [.. columns.Select((_, index) => lines.Max(line => line[index].Length))];
        return string.Join('\n', lines.Select(line => string.Join("   ", line.Select((cell, index) => cell.PadRight(widths[index]))).TrimEnd())) + "\n";
    }
}
