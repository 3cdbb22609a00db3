using System.Text.Json;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>The versions in a <c>meta/v1 APIGroup</c>, what <c>GET /apis/GROUP</c> answers.</summary>
internal static class ApiGroupJson
{
    internal static IReadOnlyList<string> ReadVersions(ReadOnlySpan<byte> body)
    {
        var versions = new List<string>();
        var reader = new Utf8JsonReader(body);
        if (!reader.EnterObject())
        {
            return versions;
        }

        while (reader.NextField())
        {
            if (!reader.ValueTextEquals("versions"u8))
            {
                reader.Skip();
                continue;
            }

            if (reader.EnterArray())
            {
                ReadList(ref reader, versions);
            }
        }

        return versions;
    }

    private static void ReadList(ref Utf8JsonReader reader, List<string> versions)
    {
        while (reader.NextElement())
        {
            _ = reader.IsObject();
            while (reader.NextField())
            {
                if (reader.ValueTextEquals("version"u8))
                {
                    versions.Add(reader.ReadText());
                }
                else
                {
                    reader.Skip();
                }
            }
        }
    }
}
