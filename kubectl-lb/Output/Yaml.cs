using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace LoadBalancer.Kubectl.Output;

/// <summary>Writes a JSON document as YAML.</summary>
internal static class Yaml
{
    /// <summary>The same values as YAML.</summary>
    public static string Of(byte[] json)
    {
        using var document = JsonDocument.Parse(json);
        using var text = new StringWriter();
        var emitter = new Emitter(text);
        emitter.Emit(new StreamStart());
        emitter.Emit(new DocumentStart(null, [], isImplicit: true));
        Write(emitter, document.RootElement);
        emitter.Emit(new DocumentEnd(isImplicit: true));
        emitter.Emit(new StreamEnd());
        return text.ToString();
    }

    private static void Write(Emitter emitter, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                emitter.Emit(new MappingStart());
                foreach (var field in value.EnumerateObject())
                {
                    emitter.Emit(new Scalar(field.Name));
                    Write(emitter, field.Value);
                }

                emitter.Emit(new MappingEnd());
                break;
            case JsonValueKind.Array:
                emitter.Emit(value.GetArrayLength() == 0
                    ? new SequenceStart(AnchorName.Empty, TagName.Empty, isImplicit: true, SequenceStyle.Flow)
                    : new SequenceStart(AnchorName.Empty, TagName.Empty, isImplicit: true, SequenceStyle.Block));
                foreach (var item in value.EnumerateArray())
                {
                    Write(emitter, item);
                }

                emitter.Emit(new SequenceEnd());
                break;
            case JsonValueKind.String:
                // Quoted, so that no text is taken for a number or a truth value.
                emitter.Emit(new Scalar(AnchorName.Empty, TagName.Empty, value.GetString()!, ScalarStyle.DoubleQuoted, isPlainImplicit: false, isQuotedImplicit: true));
                break;
            default:
                emitter.Emit(new Scalar(value.GetRawText()));
                break;
        }
    }
}
