using System.Text.Json;
using System.Text.Json.Serialization;

namespace LoadBalancer.Status;

/// <summary>
/// The JSON of <c>/status</c>: names in camelCase, absent where there is nothing to say. Within <see cref="ApiVersion"/> fields are added and
/// none is renamed, removed or given another meaning; a reader passes over what it does not know.
/// </summary>
public static class StatusJson
{
    /// <summary>The version of the format, in each document's <c>apiVersion</c>.</summary>
    public const string ApiVersion = "status.loadbalancer/v1";

    /// <summary>The <c>kind</c> of a speaker's document.</summary>
    public const string SpeakerKind = "SpeakerStatus";

    /// <summary>The <c>kind</c> of a controller's document.</summary>
    public const string ControllerKind = "ControllerStatus";

    /// <summary>Writes a speaker's document.</summary>
    public static byte[] Write(SpeakerStatus status) => JsonSerializer.SerializeToUtf8Bytes(status, StatusJsonContext.Default.SpeakerStatus);

    /// <summary>Writes a controller's document.</summary>
    public static byte[] Write(ControllerStatus status) => JsonSerializer.SerializeToUtf8Bytes(status, StatusJsonContext.Default.ControllerStatus);

    /// <summary>Reads a speaker's document.</summary>
    /// <exception cref="JsonException">It is none, or of another version.</exception>
    public static SpeakerStatus ReadSpeaker(ReadOnlySpan<byte> json) =>
        Check(JsonSerializer.Deserialize(json, StatusJsonContext.Default.SpeakerStatus), static status => (status.ApiVersion, status.Kind), SpeakerKind);

    /// <summary>Reads a controller's document.</summary>
    /// <exception cref="JsonException">It is none, or of another version.</exception>
    public static ControllerStatus ReadController(ReadOnlySpan<byte> json) =>
        Check(JsonSerializer.Deserialize(json, StatusJsonContext.Default.ControllerStatus), static status => (status.ApiVersion, status.Kind), ControllerKind);

    private static T Check<T>(T? status, Func<T, (string ApiVersion, string Kind)> describe, string kind)
        where T : class
    {
        var found = status is null ? default : describe(status);
        return status is not null && found == (ApiVersion, kind)
            ? status
            : throw new JsonException($"a {kind} of {ApiVersion} was expected, found {found.Kind} of {found.ApiVersion}");
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SpeakerStatus))]
[JsonSerializable(typeof(ControllerStatus))]
internal sealed partial class StatusJsonContext : JsonSerializerContext;
