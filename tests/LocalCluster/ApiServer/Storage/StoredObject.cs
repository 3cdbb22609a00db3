using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.LocalCluster.ApiServer.Storage;

/// <summary>One state of one object. Its JSON is never changed once it is stored, so that any thread may read it.</summary>
public sealed class StoredObject
{
    private byte[]? _utf8;
    private byte[]? _withoutKind;

    public StoredObject(JsonObject json, long version)
    {
        Json = json;
        Version = version;
        var metadata = json["metadata"];
        Name = metadata.Text("name");
        Namespace = metadata.Text("namespace");
        Key = KeyOf(Namespace, Name);
    }

    public JsonObject Json { get; }

    /// <summary>The resourceVersion.</summary>
    public long Version { get; }

    public string Namespace { get; }

    public string Name { get; }

    /// <summary>Sorts objects the way etcd does: by namespace, then name.</summary>
    public string Key { get; }

    /// <summary>The object as JSON text; made once, however many watch it.</summary>
    public byte[] Utf8 => _utf8 ??= JsonText.ToUtf8(Json);

    /// <summary>The text without the fields kind and apiVersion, which stand first in it.</summary>
    public ReadOnlyMemory<byte> Utf8WithoutKind => _withoutKind ??= WithoutKind();

    public static string KeyOf(string ns, string name) => ns.Length == 0 ? name : $"{ns}/{name}";

    private byte[] WithoutKind()
    {
        const int QuotesColonComma = 6;
        var head = 1 + "kind".Length + Json.Text("kind").Length + "apiVersion".Length + Json.Text("apiVersion").Length + (2 * QuotesColonComma);
        var text = Utf8[(head - 1)..];
        text[0] = (byte)'{';
        return text;
    }
}
