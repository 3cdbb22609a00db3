using System.Threading.Channels;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Kubernetes.Configuration;

/// <summary>
/// The pool configuration of one ConfigMap, kept up to date. A bad, deleted or absent ConfigMap never takes a good configuration
/// out of force; the log, Events and <see cref="Status"/> say that it is stale and why.
/// </summary>
public sealed partial class PoolConfigSource
{
    /// <summary>The key of the ConfigMap's data that has the text.</summary>
    public const string DataKey = "config";

    private readonly IStore<ConfigMapResource> _store;
    private readonly ObjectKey _key;
    private readonly ILogger<PoolConfigSource> _logger;
    private readonly IEventRecorder? _recorder;
    private readonly Func<bool> _records;
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ConfigMapResource? _seen;
    private bool _hasLooked;
    private (string Text, PoolConfigResult Result)? _lastGood;
    private volatile PoolConfigStatus _status = PoolConfigStatus.Initial;

    /// <summary>A source of the ConfigMap <paramref name="key"/>.</summary>
    /// <param name="store">A store that has at least this ConfigMap.</param>
    /// <param name="key">Its namespace and name.</param>
    /// <param name="logger">Every problem is logged.</param>
    /// <param name="recorder">
    /// Where Events about the ConfigMap go; null in all programs but one, else every node would write the same Event.
    /// </param>
    /// <param name="records">Whether this replica is the one to write Events at the moment; null for always.</param>
    public PoolConfigSource(
        IStore<ConfigMapResource> store, ObjectKey key, ILogger<PoolConfigSource> logger, IEventRecorder? recorder = null, Func<bool>? records = null)
    {
        _store = store;
        _key = key;
        _logger = logger;
        _recorder = recorder;
        _records = records ?? (static () => true);
    }

    /// <summary>
    /// Raised after <see cref="Status"/> changed, on the task of <see cref="RunAsync"/>: handlers only set a flag or put a key into a
    /// queue. A ConfigMap that changed in nothing but its metadata raises nothing.
    /// </summary>
    public event Action? Changed;

    /// <summary>Completes after the first look at the ConfigMap, whether it is there or not.</summary>
    public Task Synced => _synced.Task;

    /// <summary>The state now; one immutable value, so its parts belong together.</summary>
    public PoolConfigStatus Status => _status;

    /// <summary>The configuration in force, or null until a good one is known. The same instance as long as the text is the same.</summary>
    public PoolConfig? Current => _status.Config;

    /// <summary>How the configuration in force relates to the ConfigMap.</summary>
    public PoolConfigState State => _status.State;

    /// <summary>What is wrong with the ConfigMap as it is now.</summary>
    public IReadOnlyList<ConfigProblem> Problems => _status.Problems;

    /// <summary>Follows the ConfigMap from the store's first LIST on, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _store.Changed += Signal;
        try
        {
            await _store.Synced.WaitAsync(cancellationToken).ConfigureAwait(false);
            Refresh();
            while (true)
            {
                await _signal.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                Refresh();
            }
        }
        finally
        {
            _store.Changed -= Signal;
        }

        void Signal(ObjectKey key)
        {
            if (key == _key)
            {
                _signal.Writer.TryWrite(true);
            }
        }
    }

    /// <summary>
    /// Writes the Event of a state that is not good once more. A replica calls it when it becomes the one to write Events, so that
    /// trouble which began while nobody wrote is not left unsaid; the recorder folds repetitions.
    /// </summary>
    public void RecordStanding()
    {
        var status = _status;
        if (status.Problems.Count > 0 && Volatile.Read(ref _seen) is { } seen)
        {
            RecordProblems(seen, status);
        }
    }

    /// <summary>Looks at the ConfigMap and takes over what is new. Called by <see cref="RunAsync"/> only, never twice at once.</summary>
    internal void Refresh()
    {
        var now = _store.Get(_key);
        var before = _seen;
        if (_hasLooked && TextOf(now) == TextOf(before) && now is null == before is null)
        {
            _seen = now;
            return;
        }

        _seen = now;
        var first = !_hasLooked;
        _hasLooked = true;
        if (now is null)
        {
            Withdraw(before, first);
        }
        else if (TextOf(now) is { } text)
        {
            Apply(now, text);
        }
        else
        {
            Refuse(now, [NoDataKey(now)]);
        }

        Changed?.Invoke();
        _synced.TrySetResult();
    }

    private void Apply(ConfigMapResource configMap, string text)
    {
        var result = _lastGood is { } good && good.Text == text ? good.Result : PoolConfigText.Read(text);
        if (result.Config is not { } config)
        {
            Refuse(configMap, result.Problems);
            return;
        }

        _lastGood = (text, result);
        _status = _status with { State = PoolConfigState.Loaded, Config = config, Problems = result.Problems, Loads = _status.Loads + 1 };
        LogLoaded(_key, config.Pools.Count, config.Pools.Sum(pool => pool.Ranges.Count));
        Record(configMap, PoolConfigEvent.ConfigLoaded, $"address pools in force: {config.Pools.Count}");
        if (result.Problems.Count > 0)
        {
            LogProblems(result.Problems);
            RecordProblems(configMap, _status);
        }
    }

    private void Refuse(ConfigMapResource configMap, IReadOnlyList<ConfigProblem> problems)
    {
        SetNotGood(problems);
        LogRefused(_key, problems.Count, Consequence(_status));
        LogProblems(problems);
        RecordProblems(configMap, _status);
    }

    private void Withdraw(ConfigMapResource? before, bool first)
    {
        if (first)
        {
            LogAbsent(_key, DataKey);
            return;
        }

        SetNotGood([new ConfigProblem(ConfigSeverity.Error, 1, 1, "", "the ConfigMap was deleted",
            $"create {_key} again; to take all pools away, apply one with 'address-pools: []'")]);
        LogDeleted(_key, Consequence(_status));
        if (before is not null)
        {
            Record(before, PoolConfigEvent.ConfigDeleted, $"{Consequence(_status)}. {Summary(_status.Problems)}");
        }
    }

    private void RecordProblems(ConfigMapResource configMap, PoolConfigStatus status)
    {
        if (status.State == PoolConfigState.Loaded)
        {
            Record(configMap, PoolConfigEvent.ConfigWarning, Summary(status.Problems));
        }
        else
        {
            Record(configMap, PoolConfigEvent.ConfigInvalid, $"{Consequence(status)}. {Summary(status.Problems)}");
        }
    }

    private static string Consequence(PoolConfigStatus status) =>
        status.Config is null ? "No address pools are known, so no address is given out" : "The last good configuration stays in force";

    private void SetNotGood(IReadOnlyList<ConfigProblem> problems) => _status = _status with
    {
        State = _status.Config is null ? PoolConfigState.NotLoaded : PoolConfigState.Stale,
        Problems = problems,
        Refusals = _status.Refusals + 1,
    };

    private void LogProblems(IReadOnlyList<ConfigProblem> problems)
    {
        foreach (var problem in problems)
        {
            LogProblem(problem.Severity == ConfigSeverity.Error ? LogLevel.Error : LogLevel.Warning, _key, problem);
        }
    }

    private void Record(ConfigMapResource configMap, PoolConfigEvent reason, string message)
    {
        if (_recorder is not null && _records())
        {
            var severity = reason == PoolConfigEvent.ConfigLoaded ? EventSeverity.Normal : EventSeverity.Warning;
            _recorder.Record(EventTarget.For(configMap), severity, reason.ToString(), message);
        }
    }

    /// <summary>All problems in a line; an Event has room for a handful, and the count says when that is not all.</summary>
    private static string Summary(IReadOnlyList<ConfigProblem> problems) =>
        (problems.Count == 1 ? "" : $"{problems.Count} problems: ") + string.Join("; ", problems.Select(problem => problem.ToString()));

    private static string? TextOf(ConfigMapResource? configMap) =>
        configMap is not null && configMap.Data.TryGetValue(DataKey, out var text) ? text : null;

    private static ConfigProblem NoDataKey(ConfigMapResource configMap) => new(
        ConfigSeverity.Error, 1, 1, "", $"the ConfigMap has no key '{DataKey}'",
        configMap.Data.Count == 0
            ? $"put the pools under data.{DataKey}"
            : $"put the pools under data.{DataKey}; it has {string.Join(", ", configMap.Data.Keys.Order(StringComparer.Ordinal).Take(5))}");
}
