using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using LoadBalancer.Status;

namespace LoadBalancer.Controller.StatusPage;

/// <summary>
/// What the page shows, in parts, and what of it changed: with thousands of Services only the parts and the addresses that are not as they were
/// are sent. One thread at a time.
/// </summary>
internal sealed class PageState
{
    /// <summary>How many entries the time line has.</summary>
    public const int LongestTimeLine = 100;

    private Dictionary<string, byte[]> parts = [];
    private Dictionary<string, byte[]> addresses = [];
    private DateTimeOffset at;

    /// <summary>Takes in what is so now.</summary>
    /// <returns>The message that tells of the difference, or null if there is none.</returns>
    public byte[]? Follow(ControllerStatus status)
    {
        var (partsNow, addressesNow) = (PartsOf(status), status.Addresses.ToDictionary(static row => row.Address, static row => Json(row, PageJson.Default.AddressStatus), StringComparer.Ordinal));
        at = status.Program.At;
        var set = addressesNow.Where(row => !IsSame(addresses, row.Key, row.Value)).Select(static row => row.Value).ToArray();
        var gone = addresses.Keys.Where(address => !addressesNow.ContainsKey(address)).ToArray();
        var changed = partsNow.Where(part => !IsSame(parts, part.Key, part.Value)).ToArray();
        (parts, addresses) = (partsNow, addressesNow);
        return set.Length + gone.Length + changed.Length == 0 ? null : Message(full: false, changed, set, gone);
    }

    /// <summary>The message that tells everything.</summary>
    public byte[] Everything() => Message(full: true, parts, addresses.Values, []);

    /// <summary>The message that tells only that all is as it was at a time.</summary>
    public static byte[] Unchanged(DateTimeOffset at)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("at", at);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static Dictionary<string, byte[]> PartsOf(ControllerStatus status) => new(StringComparer.Ordinal)
    {
        ["controller"] = Json(
            new PageController
            {
                Replica = status.Replica, Leading = status.Leading, Leader = status.Leader, Version = status.Program.Version, StartedAt = status.Program.StartedAt,
                Current = status.Current, LoadBalancerClass = status.LoadBalancerClass, Services = status.Services.Count,
            },
            PageJson.Default.PageController),
        ["pools"] = Json(status.Pools, PageJson.Default.IReadOnlyListPoolStatus),
        ["excluded"] = Json(status.Excluded, PageJson.Default.IReadOnlyListExcludedStatus),
        ["waiting"] = Json([.. status.Services.Where(static service => service.Reason is not null)], PageJson.Default.IReadOnlyListAssignmentStatus),
        ["nodes"] = Json(status.Nodes, PageJson.Default.IReadOnlyListNodeStatus),
        ["problems"] = Json(status.Problems, PageJson.Default.IReadOnlyListProblemStatus),
        ["changes"] = Json(TimeLineOf(status), PageJson.Default.IReadOnlyListChangeStatus),
    };

    // That a Service got an address is in both: once as it was seen by every replica, once as the leader told it.
    private static IReadOnlyList<ChangeStatus> TimeLineOf(ControllerStatus status) =>
    [
        .. status.History.Concat(status.Changes.Where(static change => change.Type == "Warning" || change.Kind != "Service"))
            .OrderByDescending(static change => change.At).Take(LongestTimeLine),
    ];

    private static bool IsSame(Dictionary<string, byte[]> before, string key, byte[] now) => before.TryGetValue(key, out var was) && was.AsSpan().SequenceEqual(now);

    private static byte[] Json<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    private byte[] Message(bool full, IEnumerable<KeyValuePair<string, byte[]>> changed, IEnumerable<byte[]> set, IReadOnlyCollection<string> gone)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true }))
        {
            json.WriteStartObject();
            json.WriteString("at", at);
            json.WriteBoolean("full", full);
            foreach (var (name, value) in changed)
            {
                json.WritePropertyName(name);
                json.WriteRawValue(value, skipInputValidation: true);
            }

            json.WriteStartArray("addresses");
            foreach (var row in set)
            {
                json.WriteRawValue(row, skipInputValidation: true);
            }

            json.WriteEndArray();
            json.WriteStartArray("gone");
            foreach (var address in gone)
            {
                json.WriteStringValue(address);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}

/// <summary>The controller that tells.</summary>
internal sealed record PageController
{
    public required string Replica { get; init; }

    public required bool Leading { get; init; }

    public required string Leader { get; init; }

    public required string Version { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public required bool Current { get; init; }

    public string? LoadBalancerClass { get; init; }

    /// <summary>How many Services have an address or ask for one.</summary>
    public required int Services { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PageController))]
[JsonSerializable(typeof(AddressStatus))]
[JsonSerializable(typeof(IReadOnlyList<PoolStatus>))]
[JsonSerializable(typeof(IReadOnlyList<ExcludedStatus>))]
[JsonSerializable(typeof(IReadOnlyList<AssignmentStatus>))]
[JsonSerializable(typeof(IReadOnlyList<NodeStatus>))]
[JsonSerializable(typeof(IReadOnlyList<ProblemStatus>))]
[JsonSerializable(typeof(IReadOnlyList<ChangeStatus>))]
internal sealed partial class PageJson : JsonSerializerContext;
