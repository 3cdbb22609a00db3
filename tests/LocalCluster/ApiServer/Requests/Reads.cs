using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Storage;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>GET of one object and LIST (Kubernetes API concepts, "Retrieving large results sets in chunks", "resource versions").</summary>
public sealed class Reads(ObjectStore store, TimeProvider time)
{
    private const int SnapshotsKept = 32;
    private static readonly TimeSpan FutureVersionPatience = TimeSpan.FromSeconds(3);
    private static readonly byte[] Separator = [(byte)','];

    // Pages of one list come from one snapshot, as etcd serves them at one revision.
    private readonly ConcurrentDictionary<long, Snapshot> _snapshots = new();

    public Task GetAsync(ApiContext context)
    {
        var stored = store.Get(context.Kind.Collection, context.Kind.Namespaced ? context.Info.Namespace : "", context.Info.Name)
            ?? throw ApiException.NotFound(context.Kind, context.Info.Name);
        return context.AnswerAsync(stored, 200, time.GetUtcNow());
    }

    public async Task ListAsync(ApiContext context)
    {
        var (snapshot, after) = await StartAsync(context);
        var selectors = Selectors.Parse(context.Query("labelSelector"), context.Query("fieldSelector"), context.Kind.Collection);
        var limit = int.TryParse(context.Query("limit"), CultureInfo.InvariantCulture, out var n) && n > 0 ? n : int.MaxValue;
        var items = Matching(snapshot, context.Info.Namespace, selectors).Where(o => after is null || string.CompareOrdinal(o.Key, after) > 0);
        var page = items.Take(limit == int.MaxValue ? limit : limit + 1).ToList();

        var metadata = ApiContext.Versions(snapshot.Version);
        if (page.Count > limit)
        {
            page.RemoveAt(limit);
            metadata["continue"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{snapshot.Version}|{page[^1].Key}"));
            Keep(snapshot);
        }

        if (context.WantsTable)
            await context.AnswerAsync(context.Table(page.Select(context.Served), metadata, time.GetUtcNow()));
        else
            await WriteListAsync(context, page, metadata);
    }

    /// <summary>The objects of a snapshot that a namespace and selectors choose.</summary>
    public static IEnumerable<StoredObject> Matching(Snapshot snapshot, string ns, Selectors selectors) =>
        snapshot.Objects.Values.Where(o => (ns.Length == 0 || o.Namespace == ns) && selectors.Match(o.Json));

    private async Task<(Snapshot Snapshot, string? After)> StartAsync(ApiContext context)
    {
        if (context.Query("continue") is { Length: > 0 } token)
            return Resume(token);
        if (long.TryParse(context.Query("resourceVersion"), CultureInfo.InvariantCulture, out var version) && version > 0)
            await WaitForAsync(context, version);
        else if (context.Query("resourceVersion") is { Length: > 0 } text and not "0")
            throw ApiException.BadRequest($"invalid resource version: resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax");
        var snapshot = store.Read(context.Kind.Collection);
        return context.Query("resourceVersionMatch") == "Exact" && version != snapshot.Version
            ? (_snapshots.GetValueOrDefault(version) ?? throw ApiException.Expired(), null)
            : (snapshot, null);
    }

    private (Snapshot Snapshot, string? After) Resume(string token)
    {
        try
        {
            var text = Encoding.UTF8.GetString(Convert.FromBase64String(token));
            var bar = text.IndexOf('|', StringComparison.Ordinal);
            var version = long.Parse(text.AsSpan(0, bar), CultureInfo.InvariantCulture);
            return _snapshots.TryGetValue(version, out var snapshot)
                ? (snapshot, text[(bar + 1)..])
                : throw ApiException.Expired("The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.");
        }
        catch (Exception e) when (e is FormatException or ArgumentOutOfRangeException)
        {
            throw ApiException.BadRequest("invalid continue token: continue key is not valid: it is not one this server gave out");
        }
    }

    // A version from the future: wait for it as the watch cache does, then say that it is too large.
    private async Task WaitForAsync(ApiContext context, long version)
    {
        using var patience = new CancellationTokenSource(FutureVersionPatience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, context.Http.RequestAborted);
        while (store.Version < version)
        {
            var (_, _, next) = store.ChangesAfter(context.Kind.Collection, store.Version);
            try
            {
                await next.WaitAsync(either.Token);
            }
            catch (OperationCanceledException) when (!context.Http.RequestAborted.IsCancellationRequested)
            {
                throw ApiException.TooLargeVersion(version, store.Version);
            }
        }
    }

    private void Keep(Snapshot snapshot)
    {
        _snapshots.TryAdd(snapshot.Version, snapshot);
        foreach (var old in _snapshots.Keys.OrderDescending().Skip(SnapshotsKept))
            _snapshots.TryRemove(old, out _);
    }

    private static async Task WriteListAsync(ApiContext context, List<StoredObject> page, JsonObject metadata)
    {
        var response = context.Http.Response;
        response.ContentType = "application/json";
        var writer = response.BodyWriter;
        var head = new JsonObject { ["kind"] = context.Kind.ListKind, ["apiVersion"] = context.Kind.ApiVersion, ["metadata"] = metadata };
        // The stored texts are put in as they are: no object is serialized again for a list.
        writer.Write(JsonText.ToUtf8(head).AsSpan()[..^1]);
        writer.Write(",\"items\":["u8);
        for (var i = 0; i < page.Count; i++)
        {
            if (i > 0)
                writer.Write(Separator);
            writer.Write(context.ListItemUtf8(page[i]).Span);
        }

        writer.Write("]}\n"u8);
        await writer.FlushAsync(context.Http.RequestAborted);
    }
}
