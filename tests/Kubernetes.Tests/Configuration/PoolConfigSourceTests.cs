using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Kubernetes.Tests.Configuration;

public sealed class PoolConfigSourceTests
{
    private const string Good = "address-pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24]}]";
    private const string Other = "address-pools: [{name: b, protocol: layer2, addresses: [10.0.1.0/24, 10.0.2.0/24]}]";
    private const string Doubtful = "address-pools: [{name: a, protocol: layer2, addresses: [10.0.0.9/24]}]";
    private const string Bad = "address-pools: [{name: a, protocol: bgp, addresses: [10.0.0.0/24]}]";
    private const string Target = "ConfigMap loadbalancer-system/config c0ffee";

    private readonly ConfigMapStore _store = new();
    private readonly KeptEvents _events = new();
    private readonly KeptLog _log = new();
    private readonly PoolConfigSource _source;
    private bool _isLeader = true;
    private int _changes;

    public PoolConfigSourceTests()
    {
        _source = new PoolConfigSource(_store, ConfigMapStore.Key, _log, _events, () => _isLeader);
        _source.Changed += () => _changes++;
    }

    [Fact]
    public void GoodConfig_Seen_IsInForceWithOneEvent()
    {
        See(Other);
        Assert.Equal(PoolConfigState.Loaded, _source.State);
        Assert.Equal("b", _source.Current!.Pools[0].Name);
        Assert.Equal([$"Normal ConfigLoaded {Target}: address pools in force: 1"], _events.Take());
        Assert.Equal(["Information ConfigMap loadbalancer-system/config loaded: 1 pools, 2 address ranges"], _log.Take());
        Assert.Equal(1, _changes);
    }

    [Fact]
    public void SameText_SeenAgain_ChangesNothingAndSaysNothing()
    {
        See(Good);
        var (config, _) = (_source.Current, _events.Take());
        See(Good);
        Assert.Same(config, _source.Current);
        Assert.Empty(_events.Take());
        Assert.Equal(1, _changes);
        Assert.Equal(1, _source.Status.Loads);
    }

    [Fact]
    public void BadConfig_AfterAGoodOne_LeavesTheGoodOneInForce()
    {
        See(Good);
        var (config, _) = (_source.Current, _events.Take());
        _log.Take();
        See(Bad);
        Assert.Same(config, _source.Current);
        Assert.Equal(PoolConfigState.Stale, _source.State);
        var problem = Assert.Single(_source.Problems);
        Assert.Equal("address-pools[0].protocol", problem.Path);
        Assert.Equal([$"Warning ConfigInvalid {Target}: The last good configuration stays in force. {problem}"], _events.Take());
        Assert.Equal(
            [
                "Error ConfigMap loadbalancer-system/config refused, problems: 1. The last good configuration stays in force",
                $"Error ConfigMap loadbalancer-system/config, {problem}",
            ],
            _log.Take());
        Assert.Equal((1, 1), (_source.Status.Loads, _source.Status.Refusals));
    }

    [Fact]
    public void BadConfig_AsTheFirst_LeavesNothingLoaded()
    {
        See(Bad);
        Assert.Null(_source.Current);
        Assert.Equal(PoolConfigState.NotLoaded, _source.State);
        Assert.StartsWith(
            $"Warning ConfigInvalid {Target}: No address pools are known, so no address is given out. line 1,", Assert.Single(_events.Take()),
            StringComparison.Ordinal);
    }

    [Fact]
    public void DeletedConfigMap_AfterAGoodOne_LeavesItInForceWithAnEvent()
    {
        See(Good);
        var (config, _) = (_source.Current, _events.Take());
        _store.Delete();
        _source.Refresh();
        Assert.Same(config, _source.Current);
        Assert.Equal(PoolConfigState.Stale, _source.State);
        Assert.Equal("the ConfigMap was deleted", Assert.Single(_source.Problems).Message);
        Assert.StartsWith(
            $"Warning ConfigDeleted {Target}: The last good configuration stays in force.", Assert.Single(_events.Take()), StringComparison.Ordinal);
    }

    [Fact]
    public void ConfigMapWithTheSameText_CreatedAgain_IsLoadedAgainAsTheSameConfiguration()
    {
        See(Good);
        var config = _source.Current;
        _store.Delete();
        _source.Refresh();
        _events.Take();
        See(Good);
        Assert.Equal(PoolConfigState.Loaded, _source.State);
        Assert.Same(config, _source.Current);
        Assert.Empty(_source.Problems);
        Assert.Single(_events.Take());
    }

    [Fact]
    public void AbsentConfigMap_AtTheStart_IsNotLoadedAndLogged()
    {
        _source.Refresh();
        _source.Refresh();
        Assert.Equal(PoolConfigState.NotLoaded, _source.State);
        Assert.Null(_source.Current);
        Assert.Empty(_events.Take());
        Assert.Equal(
            ["Warning ConfigMap loadbalancer-system/config does not exist: create it with the address pools under data.config"], _log.Take());
    }

    [Fact]
    public void EmptyConfig_Seen_IsInForceWithoutPools()
    {
        See("");
        Assert.Same(PoolConfig.Empty, _source.Current);
        Assert.Equal(PoolConfigState.Loaded, _source.State);
    }

    [Fact]
    public void ConfigMapWithoutTheKey_Seen_IsRefusedAndNamesTheKeysItHas()
    {
        _store.Set(("config.yaml", Good), ("b", ""));
        _source.Refresh();
        var problem = Assert.Single(_source.Problems);
        Assert.Equal("the ConfigMap has no key 'config'", problem.Message);
        Assert.Equal("put the pools under data.config; it has b, config.yaml", problem.Remedy);
        Assert.Single(_events.Take());
    }

    [Fact]
    public void DoubtfulConfig_Seen_IsInForceWithAWarning()
    {
        See(Doubtful);
        Assert.Equal(PoolConfigState.Loaded, _source.State);
        Assert.Equal(ConfigSeverity.Warning, Assert.Single(_source.Problems).Severity);
        Assert.Equal(["Normal ConfigLoaded", "Warning ConfigWarning"], _events.Take().Select(text => string.Join(' ', text.Split(' ')[..2])));
        Assert.Equal(["Information", "Warning"], _log.Take().Select(line => line.Split(' ')[0]));
    }

    [Fact]
    public void ReplicaThatDoesNotLead_SeesABadConfig_RecordsItWhenItLeads()
    {
        _isLeader = false;
        See(Good);
        See(Bad);
        Assert.Empty(_events.Take());
        _isLeader = true;
        _source.RecordStanding();
        Assert.StartsWith(
            $"Warning ConfigInvalid {Target}: The last good configuration stays in force.", Assert.Single(_events.Take()), StringComparison.Ordinal);
    }

    [Fact]
    public void ReplicaThatBeginsToLead_WithAGoodConfig_SaysNothing()
    {
        _isLeader = false;
        See(Good);
        _isLeader = true;
        _source.RecordStanding();
        Assert.Empty(_events.Take());
    }

    [Fact]
    public void SourceWithoutRecorder_SeesABadConfig_KeepsItsState()
    {
        var source = new PoolConfigSource(_store, ConfigMapStore.Key, _log);
        _store.Set(Bad);
        source.Refresh();
        source.RecordStanding();
        Assert.Equal(PoolConfigState.NotLoaded, source.State);
        Assert.Single(source.Problems);
    }

    [Fact]
    public async Task RunningSource_FollowsTheStoreFromItsFirstListOnUntilCancelled()
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var names = System.Threading.Channels.Channel.CreateUnbounded<string>();
        _source.Changed += () => names.Writer.TryWrite(_source.Current?.Pools[0].Name ?? "none");

        _store.Set(Good);
        var run = _source.RunAsync(cancellation.Token);
        Assert.Equal(PoolConfigState.NotLoaded, _source.State);
        _store.Sync();
        Assert.Equal("a", await names.Reader.ReadAsync(cancellation.Token));
        _store.RaiseFor(new ObjectKey("loadbalancer-system", "another"));
        _store.Set(Other);
        Assert.Equal("b", await names.Reader.ReadAsync(cancellation.Token));
        _store.Delete();
        Assert.Equal("b", await names.Reader.ReadAsync(cancellation.Token));
        Assert.Equal(PoolConfigState.Stale, _source.State);

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.False(_store.HasSubscribers);
    }

    private void See(string text)
    {
        _store.Set(text);
        _source.Refresh();
    }

    private sealed class KeptLog : ILogger<PoolConfigSource>
    {
        private readonly List<string> _lines = [];

        public string[] Take()
        {
            string[] taken = [.. _lines];
            _lines.Clear();
            return taken;
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Add($"{logLevel} {formatter(state, exception)}");
    }
}
