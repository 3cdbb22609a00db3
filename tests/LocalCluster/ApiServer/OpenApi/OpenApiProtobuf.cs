using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.LocalCluster.ApiServer.OpenApi;

/// <summary>
/// The OpenAPI version 2 document in protobuf, the only form kubectl reads it in (gnostic's <c>OpenAPIv2.proto</c>; the numbers
/// below are its field numbers).
/// </summary>
public static class OpenApiProtobuf
{
    private const int DocumentSwagger = 1, DocumentInfo = 2, DocumentPaths = 8, DocumentDefinitions = 9;
    private const int InfoTitle = 1, InfoVersion = 2;
    private const int SchemaRef = 1, SchemaFormat = 2, SchemaAdditional = 21, SchemaType = 22, SchemaItems = 23, SchemaProperties = 25, SchemaExtension = 31;

    public static byte[] Encode(JsonObject document)
    {
        var info = new Message().Text(InfoTitle, document.Text("info", "title")).Text(InfoVersion, document.Text("info", "version"));
        var definitions = new Message();
        foreach (var (name, schema) in document.Map("definitions") ?? [])
            definitions.Add(1, Named(name, Schema(schema!.AsObject())));
        return new Message().Text(DocumentSwagger, "2.0").Add(DocumentInfo, info).Add(DocumentPaths, new Message())
            .Add(DocumentDefinitions, definitions).ToArray();
    }

    private static Message Schema(JsonObject schema)
    {
        var message = new Message();
        foreach (var (name, value) in schema)
        {
            switch (name)
            {
                case "$ref":
                    message.Text(SchemaRef, value.Text());
                    break;
                case "format":
                    message.Text(SchemaFormat, value.Text());
                    break;
                case "type":
                    message.Add(SchemaType, new Message().Text(1, value.Text()));
                    break;
                case "items":
                    message.Add(SchemaItems, new Message().Add(1, Schema(value!.AsObject())));
                    break;
                case "additionalProperties":
                    message.Add(SchemaAdditional, new Message().Add(1, Schema(value!.AsObject())));
                    break;
                case "properties":
                    message.Add(SchemaProperties, Properties(value!.AsObject()));
                    break;
                default:
                    // An extension's value travels as YAML text, of which JSON is a part.
                    message.Add(SchemaExtension, Named(name, new Message().Text(2, JsonText.ToText(value))));
                    break;
            }
        }

        return message;
    }

    private static Message Properties(JsonObject properties)
    {
        var message = new Message();
        foreach (var (name, schema) in properties)
            message.Add(1, Named(name, Schema(schema!.AsObject())));
        return message;
    }

    private static Message Named(string name, Message value) => new Message().Text(1, name).Add(2, value);

    private sealed class Message
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();

        public Message Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

        public Message Add(int field, Message message) => Bytes(field, message._bytes.WrittenSpan);

        public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

        private Message Bytes(int field, ReadOnlySpan<byte> content)
        {
            Number((uint)((field << 3) | 2));
            Number((uint)content.Length);
            _bytes.Write(content);
            return this;
        }

        private void Number(uint value)
        {
            while (value >= 0x80)
            {
                _bytes.Write([(byte)(value | 0x80)]);
                value >>= 7;
            }

            _bytes.Write([(byte)value]);
        }
    }
}
