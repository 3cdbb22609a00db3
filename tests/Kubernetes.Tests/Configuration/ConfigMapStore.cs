using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Tests.Configuration;

/// <summary>A store whose only ConfigMap the test sets.</summary>
internal sealed class ConfigMapStore : IStore<ConfigMapResource>
{
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ConfigMapResource? _configMap;
    private int _version;

    public static ObjectKey Key { get; } = new("loadbalancer-system", "config");

    public event Action<ObjectKey>? Changed;

    public bool HasSynced => _synced.Task.IsCompleted;

    public Task Synced => _synced.Task;

    public int Count => _configMap is null ? 0 : 1;

    public bool HasSubscribers => Changed is not null;

    public void Sync() => _synced.TrySetResult();

    public void Set(string text) => Set(("config", text));

    public void Set(params (string Key, string Value)[] data)
    {
        _configMap = new ConfigMapResource
        {
            Key = Key,
            Uid = "c0ffee",
            ResourceVersion = $"{++_version}",
            Data = data.ToDictionary(pair => pair.Key, pair => pair.Value),
        };
        Changed?.Invoke(Key);
    }

    public void Delete()
    {
        _configMap = null;
        Changed?.Invoke(Key);
    }

    public void RaiseFor(ObjectKey key) => Changed?.Invoke(key);

    public ConfigMapResource? Get(ObjectKey key) => key == Key ? _configMap : null;

    public IEnumerable<ConfigMapResource> All() => _configMap is { } configMap ? [configMap] : [];
}

/// <summary>Keeps the Events as <c>Warning ConfigInvalid loadbalancer-system/config: message</c>.</summary>
internal sealed class KeptEvents : IEventRecorder
{
    public void Repeat(EventTarget target, EventSeverity severity, string reason, string message, TimeSpan age) =>
        throw new InvalidOperationException("nothing here is repeated");

    private readonly List<string> _events = [];

    public string[] Take()
    {
        lock (_events)
        {
            string[] taken = [.. _events];
            _events.Clear();
            return taken;
        }
    }

    public void Record(EventTarget target, EventSeverity severity, string reason, string message)
    {
        lock (_events)
        {
            _events.Add($"{severity} {reason} {target.Kind} {target.Key} {target.Uid}: {message}");
        }
    }
}
