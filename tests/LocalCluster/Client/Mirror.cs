using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LoadBalancer.LocalCluster.Client;

/// <summary>A live copy of all objects of one kind, kept by list and watch. It survives any outage of the server.</summary>
public sealed class Mirror
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private readonly KubeApi _api;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, JsonObject> _objects = new(StringComparer.Ordinal);

    public Mirror(KubeApi api, string path, TimeProvider time)
    {
        _api = api;
        _path = path;
        _time = time;
    }

    /// <summary>Called with the key of an object that came, changed or went, on the watch's own task.</summary>
    public event Action<string>? Changed;

    /// <summary>The object by <c>namespace/name</c>, or null.</summary>
    public JsonObject? this[string key] => _objects.GetValueOrDefault(key);

    public IReadOnlyCollection<JsonObject> All => [.. _objects.Values];

    /// <summary>Lists, then follows, for ever.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                string version = await ListAsync();
                await FollowAsync(version, cancel);
            }
            catch (Exception outage) when (outage is HttpRequestException or IOException or KubeApiException or JsonException or OperationCanceledException)
            {
                // The server is away, or forgot the version: list again.
            }

            await Task.Delay(Pause, _time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<string> ListAsync()
    {
        JsonObject list = await _api.GetAsync(_path);
        Dictionary<string, JsonObject> there = list["items"]!.AsArray().ToDictionary(item => Key(item!), item => item!.AsObject());
        foreach (string gone in _objects.Keys.Where(key => !there.ContainsKey(key)))
        {
            _objects.TryRemove(gone, out _);
            Changed?.Invoke(gone);
        }

        foreach ((string key, JsonObject item) in there)
        {
            _objects[key] = item;
            Changed?.Invoke(key);
        }

        return (string)list["metadata"]!["resourceVersion"]!;
    }

    private async Task FollowAsync(string version, CancellationToken cancel)
    {
        await foreach (JsonObject change in _api.WatchAsync(_path, version, cancel))
        {
            JsonObject item = change["object"]!.AsObject();
            switch ((string)change["type"]!)
            {
                case "ADDED" or "MODIFIED":
                    _objects[Key(item)] = item;
                    Changed?.Invoke(Key(item));
                    break;
                case "DELETED":
                    _objects.TryRemove(Key(item), out _);
                    Changed?.Invoke(Key(item));
                    break;
                case "ERROR":
                    return;
            }
        }
    }

    /// <summary><c>namespace/name</c>.</summary>
    public static string Key(JsonNode item) => $"{(string?)item["metadata"]!["namespace"]}/{(string?)item["metadata"]!["name"]}";
}
