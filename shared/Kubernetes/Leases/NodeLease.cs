using System.Collections.ObjectModel;
using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Kubernetes.Leases;

/// <summary>
/// A speaker's own Lease: renewed every <see cref="Period"/>, carrying what other nodes must know of this one as annotations, released
/// when the speaker stops. The others judge it with <see cref="LeaseFreshness"/>.
/// </summary>
public sealed partial class NodeLease
{
    /// <summary>How often it is renewed.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    /// <summary>For how long it is good: <c>spec.leaseDurationSeconds</c>, as kubelet's node Leases.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(40);

    /// <summary>The label selector of all speakers' Leases.</summary>
    public const string LabelSelector = $"{ComponentLabel}={Component},{NameLabel}={ApplicationName}";

    private const string NameLabel = "app.kubernetes.io/name";
    private const string ApplicationName = "loadbalancer";
    private const string ComponentLabel = "app.kubernetes.io/component";
    private const string Component = "speaker";

    // A connection that was just given up for another one.
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ReleaseTimeout = TimeSpan.FromSeconds(3);

    private static readonly ReadOnlyDictionary<string, string> Labels = new(new Dictionary<string, string>
    {
        [NameLabel] = ApplicationName,
        [ComponentLabel] = Component,
    });

    private readonly ILeaseStore store;
    private readonly ObjectKey key;
    private readonly TimeProvider time;
    private readonly Func<double> random;
    private readonly ILogger logger;
    private volatile Content content = new(ReadOnlyDictionary<string, string>.Empty, null);
    private TaskCompletionSource changed = NewSignal();
    private LeaseResource? held;
    private int failures;

    /// <summary>
    /// Whether a speaker's Lease is held by the node it is named after: none else writes it, so that another holder's name in it is
    /// somebody's invention.
    /// </summary>
    public static bool IsHeld(LeaseResource lease) => lease.HolderIdentity.Length > 0 && lease.HolderIdentity == lease.Key.Name;

    /// <summary>A node's Lease; <see cref="RunAsync"/> keeps it.</summary>
    /// <param name="store">Where it is.</param>
    /// <param name="key">The programs' namespace and the node's name.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">A number from 0 to below 1, for jitter.</param>
    /// <param name="logger">Where faults are logged.</param>
    public NodeLease(ILeaseStore store, ObjectKey key, TimeProvider time, Func<double> random, ILogger logger)
    {
        this.store = store;
        this.key = key;
        this.time = time;
        this.random = random;
        this.logger = logger;
    }

    /// <summary>Raised before each write, for what changes too often to be said at once: what the Lease says is then as new as its renewal.</summary>
    public event Action? Renewing;

    /// <summary>Sets what the Lease says; it is written at once if it has changed. From any thread.</summary>
    /// <param name="annotations">All annotations.</param>
    /// <param name="owner">The Node, so that the Lease is collected with it; null while it is not known.</param>
    public void Say(IReadOnlyDictionary<string, string> annotations, ObjectOwner? owner)
    {
        var before = content;
        if (before.Owner == owner && before.Annotations.Count == annotations.Count && !annotations.Except(before.Annotations).Any())
        {
            return;
        }

        content = new Content(annotations, owner);
        Volatile.Read(ref changed).TrySetResult();
    }

    /// <summary>Renews until cancelled, then releases the Lease.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                Renewing?.Invoke();
                Volatile.Write(ref changed, NewSignal());
                var renewed = await TryAsync(RenewAsync, ApiLeaseStore.Timeout, cancellationToken).ConfigureAwait(false);
                var wait = Task.Delay(renewed ? Period : failures == 1 ? FirstRetry : RetryPeriod * (1 + random()), time, cancellationToken);
                await (renewed ? Task.WhenAny(wait, changed.Task) : wait).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            await TryAsync(ReleaseAsync, ReleaseTimeout, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async Task RenewAsync(CancellationToken cancellationToken)
    {
        if (held is not null)
        {
            held = await store.UpdateAsync(Filled(held), cancellationToken).ConfigureAwait(false);
        }

        // Not held, or written by someone else meanwhile: what is there now is taken over; nobody else uses the node's name.
        if (held is null)
        {
            var current = await store.GetAsync(key, cancellationToken).ConfigureAwait(false);
            held = current is null
                ? await store.CreateAsync(Filled(new LeaseResource { Key = key }), cancellationToken).ConfigureAwait(false)
                : await store.UpdateAsync(Filled(current), cancellationToken).ConfigureAwait(false);
        }

        if (held is null)
        {
            throw new HttpRequestException("it was changed by someone else at the same moment");
        }
    }

    private async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        var current = await store.GetAsync(key, cancellationToken).ConfigureAwait(false);
        if (current?.HolderIdentity == key.Name)
        {
            await store.UpdateAsync(current with { HolderIdentity = "", RenewTime = time.GetUtcNow() }, cancellationToken).ConfigureAwait(false);
        }
    }

    private LeaseResource Filled(LeaseResource lease)
    {
        var now = time.GetUtcNow();
        var (annotations, owner) = content;
        return lease with
        {
            HolderIdentity = key.Name,
            LeaseDurationSeconds = (int)Duration.TotalSeconds,
            AcquireTime = lease.HolderIdentity == key.Name ? lease.AcquireTime : now,
            RenewTime = now,
            Labels = Labels,
            Annotations = annotations,
            Owner = owner ?? lease.Owner,
        };
    }

    private async Task<bool> TryAsync(Func<CancellationToken, Task> attempt, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            await attempt(stop.Token).ConfigureAwait(false);
            failures = 0;
            return true;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            LogFailure(e is OperationCanceledException ? $"no answer within {timeout}" : e.Message);
            return false;
        }
    }

    private void LogFailure(string error)
    {
        if (++failures == 1)
        {
            LogNotRenewed(key, error);
        }
        else
        {
            LogStillNotRenewed(key, failures, error);
        }
    }

    [LoggerMessage(EventId = 2020, Level = LogLevel.Warning,
        Message = "Lease {Lease} of this node could not be renewed: {Error}. Only nodes that cannot hear this one on the wire depend on it")]
    private partial void LogNotRenewed(ObjectKey lease, string error);

    [LoggerMessage(EventId = 2021, Level = LogLevel.Debug, Message = "Lease {Lease} of this node could not be renewed, {Failures} times in a row: {Error}")]
    private partial void LogStillNotRenewed(ObjectKey lease, int failures, string error);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed record Content(IReadOnlyDictionary<string, string> Annotations, ObjectOwner? Owner);
}
