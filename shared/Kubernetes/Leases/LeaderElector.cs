using System.Runtime.ExceptionServices;
using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Kubernetes.Leases;

/// <summary>
/// Elects one leader among candidates that share a Lease. Leadership is a <see cref="LeadershipWindow"/>: it is extended by each renewal,
/// counted from before the renewal was sent, and ends by itself when renewals fail; only then, and 5 s later by default, may
/// another candidate begin.
/// </summary>
public sealed partial class LeaderElector
{
    private readonly ILeaseStore store;
    private readonly LeaderElectionOptions options;
    private readonly TimeProvider time;
    private readonly Func<double> random;
    private readonly ILogger logger;

    private volatile LeadershipWindow window = LeadershipWindow.None;
    private LeaseResource? held;
    private ForeignLease? foreign;
    private string leader = "";
    private int failures;

    /// <summary>A candidate; <see cref="RunAsync"/> lets it stand.</summary>
    /// <param name="store">Where the Lease is.</param>
    /// <param name="options">Which Lease, who we are, and the times.</param>
    /// <param name="time">The clock; <see cref="BootTime"/> outside tests.</param>
    /// <param name="random">A number from 0 to below 1, for jitter.</param>
    /// <param name="logger">Where gains and losses are logged.</param>
    /// <exception cref="ArgumentException">The times contradict each other.</exception>
    public LeaderElector(ILeaseStore store, LeaderElectionOptions options, TimeProvider time, Func<double> random, ILogger logger)
    {
        options.Validate();
        this.store = store;
        this.options = options;
        this.time = time;
        this.random = random;
        this.logger = logger;
    }

    /// <summary>Raised on the elector's task after leadership began.</summary>
    public event Action? Started;

    /// <summary>Raised on the elector's task after leadership ended; <see cref="IsLeader"/> is false already.</summary>
    public event Action? Stopped;

    /// <summary>Whether this process is the leader at this instant. To be asked right before each act that only the leader may do.</summary>
    public bool IsLeader => window.IsOpenAt(time.GetTimestamp());

    /// <summary>The current window. Its <see cref="LeadershipWindow.Term"/> tells whether leadership was lost and won again in between.</summary>
    public LeadershipWindow Window => window;

    /// <summary>Who holds the Lease as far as is known, for logs and metrics; empty if nobody does.</summary>
    public string Leader => Volatile.Read(ref leader);

    /// <summary>
    /// Stands for election until cancelled. While this process leads, <paramref name="lead"/> runs; its token is cancelled when
    /// leadership ends. On cancellation the work is stopped first, then the window is closed, then the Lease is released, so that another
    /// takes over at once.
    /// </summary>
    /// <param name="lead">
    /// The leader's work. If it returns while it leads, the candidacy ends; what it throws is thrown here. Null for none.
    /// </param>
    /// <param name="cancellationToken">Ends the candidacy.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task RunAsync(Func<CancellationToken, Task>? lead, CancellationToken cancellationToken)
    {
        while (true)
        {
            await AcquireAsync(cancellationToken).ConfigureAwait(false);
            if (await LeadAsync(lead, cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }
    }

    private async Task AcquireAsync(CancellationToken cancellationToken)
    {
        while (!await TryAsync(AcquireOnceAsync, options.RequestTimeout, cancellationToken).ConfigureAwait(false))
        {
            await Task.Delay(UntilNextLook(), time, cancellationToken).ConfigureAwait(false);
        }
    }

    // The instant at which a silent holder's Lease runs out is met exactly; otherwise it is a matter of noticing a release.
    private TimeSpan UntilNextLook()
    {
        var poll = options.PollPeriod * (0.8 + (0.4 * random()));
        var expiry = foreign?.Remaining(time, options.Duration) ?? poll;
        return expiry > TimeSpan.Zero && expiry < poll ? expiry : poll;
    }

    private async Task<bool> AcquireOnceAsync(CancellationToken cancellationToken)
    {
        var sent = time.GetTimestamp();
        var current = await store.GetAsync(options.Lease, cancellationToken).ConfigureAwait(false);
        if (current is null)
        {
            foreign = null;
            return Won(await store.CreateAsync(Claim(null), cancellationToken).ConfigureAwait(false), sent);
        }

        // Our own identity is that of this life alone: a request of ours succeeded although we never heard of it.
        var free = current.HolderIdentity.Length == 0 || current.HolderIdentity == options.Identity;
        foreign = free ? null : ForeignLease.Observe(foreign, current, time.GetTimestamp());
        SetLeader(current.HolderIdentity);
        if (foreign?.Remaining(time, options.Duration) > TimeSpan.Zero)
        {
            return false;
        }

        sent = time.GetTimestamp();
        return Won(await store.UpdateAsync(Claim(current), cancellationToken).ConfigureAwait(false), sent);
    }

    /// <returns>Whether the work is finished.</returns>
    private async Task<bool> LeadAsync(Func<CancellationToken, Task>? lead, CancellationToken cancellationToken)
    {
        using var leading = new CancellationTokenSource();
        LogStarted(options.Identity, options.Lease);
        Started?.Invoke();
        var work = lead is null ? Task.Delay(Timeout.InfiniteTimeSpan, time, leading.Token) : RunWorkAsync(lead, leading.Token);
        try
        {
            await RenewAsync(work, cancellationToken).ConfigureAwait(false);
            return IsLeader;
        }
        finally
        {
            await (IsLeader ? GiveUpAsync(work, leading) : LoseAsync(work, leading)).ConfigureAwait(false);
        }
    }

    private static async Task RunWorkAsync(Func<CancellationToken, Task> lead, CancellationToken cancellationToken)
    {
        await Task.Yield();
        await lead(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Renews until the window is over, the work ends, or it is cancelled.</summary>
    private async Task RenewAsync(Task work, CancellationToken cancellationToken)
    {
        var renewed = true;
        while (IsLeader && !work.IsCompleted)
        {
            var wait = Shorter(renewed ? options.RetryPeriod : options.PollPeriod, Left());
            await Task.WhenAny(work, Task.Delay(wait, time, cancellationToken)).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (IsLeader && !work.IsCompleted)
            {
                renewed = await TryAsync(RenewOnceAsync, Shorter(options.RequestTimeout, Left()), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<bool> RenewOnceAsync(CancellationToken cancellationToken)
    {
        var sent = time.GetTimestamp();
        var renewed = await store.UpdateAsync(held! with { RenewTime = time.GetUtcNow() }, cancellationToken).ConfigureAwait(false);
        if (renewed is not null)
        {
            return Extended(renewed, sent);
        }

        // Somebody wrote it: a label by kubectl, a request of ours that we thought lost, or another leader.
        var current = await store.GetAsync(options.Lease, cancellationToken).ConfigureAwait(false);
        if (current is null || current.HolderIdentity != options.Identity)
        {
            SetLeader(current?.HolderIdentity ?? "");
            Close();
            LogTaken(options.Identity, options.Lease, Leader);
            return false;
        }

        sent = time.GetTimestamp();
        return Extended(await store.UpdateAsync(Claim(current), cancellationToken).ConfigureAwait(false), sent);
    }

    // Asked to stop, or the work is finished: it ends under our leadership, then the window is closed, then the Lease given back.
    private async Task GiveUpAsync(Task work, CancellationTokenSource leading)
    {
        await leading.CancelAsync().ConfigureAwait(false);
        var failure = await EndOfAsync(work, Left()).ConfigureAwait(false);
        Stop();
        await TryAsync(ReleaseAsync, options.ReleaseTimeout, CancellationToken.None).ConfigureAwait(false);
        failure?.Throw();
    }

    // The window is over already; nothing may wait for the work, which may be slow to notice.
    private async Task LoseAsync(Task work, CancellationTokenSource leading)
    {
        Stop();
        await leading.CancelAsync().ConfigureAwait(false);
        (await EndOfAsync(work, Timeout.InfiniteTimeSpan).ConfigureAwait(false))?.Throw();
    }

    private void Stop()
    {
        Close();
        LogStopped(options.Identity, options.Lease);
        Stopped?.Invoke();
    }

    private async Task<ExceptionDispatchInfo?> EndOfAsync(Task work, TimeSpan patience)
    {
        try
        {
            // Work that does not stop while the window lasts is left behind: the window ends without it.
            await work.WaitAsync(patience, time).ConfigureAwait(false);
            return null;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        catch (TimeoutException) when (!work.IsCompleted)
        {
            return null;
        }
#pragma warning disable CA1031 // Thrown again when the Lease is released.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return ExceptionDispatchInfo.Capture(e);
        }
    }

    private async Task<bool> ReleaseAsync(CancellationToken cancellationToken)
    {
        if (held is { } lease && await store.UpdateAsync(Released(lease), cancellationToken).ConfigureAwait(false) is not null)
        {
            return true;
        }

        // A renewal that was cut off by the shutdown may have arrived all the same.
        var current = await store.GetAsync(options.Lease, cancellationToken).ConfigureAwait(false);
        return current?.HolderIdentity == options.Identity
            && await store.UpdateAsync(Released(current), cancellationToken).ConfigureAwait(false) is not null;
    }

    // One second, because the API refuses zero; the empty holder is what counts.
    private LeaseResource Released(LeaseResource lease) =>
        lease with { HolderIdentity = "", LeaseDurationSeconds = 1, RenewTime = time.GetUtcNow() };

    private async Task<bool> TryAsync(Func<CancellationToken, Task<bool>> attempt, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            var done = await attempt(stop.Token).ConfigureAwait(false);
            failures = 0;
            return done;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            LogFailure(e is OperationCanceledException ? $"no answer within {timeout}" : e.Message);
            return false;
        }
    }

    private bool Won(LeaseResource? lease, long sent)
    {
        if (lease is null)
        {
            return false;
        }

        foreign = null;
        SetLeader(options.Identity);
        held = lease;
        window = new LeadershipWindow(window.Term + 1, EndOfWindow(sent));
        return IsLeader;
    }

    // An answer that comes after the window has ended does not open it again: the work would not notice the gap.
    private bool Extended(LeaseResource? lease, long sent)
    {
        if (lease is null || !IsLeader)
        {
            return false;
        }

        held = lease;
        window = window with { EndsAt = EndOfWindow(sent) };
        return true;
    }

    private long EndOfWindow(long sent) => sent + (long)(options.RenewDeadline.TotalSeconds * time.TimestampFrequency);

    private void Close() => window = window with { EndsAt = long.MinValue };

    private void SetLeader(string identity) => Volatile.Write(ref leader, identity);

    private TimeSpan Left()
    {
        var now = time.GetTimestamp();
        var current = window;
        return current.IsOpenAt(now) ? time.GetElapsedTime(now, current.EndsAt) + TimeSpan.FromMilliseconds(1) : TimeSpan.Zero;
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private LeaseResource Claim(LeaseResource? current)
    {
        var now = time.GetUtcNow();
        var ours = current?.HolderIdentity == options.Identity;
        var claim = current ?? new LeaseResource { Key = options.Lease };
        return claim with
        {
            HolderIdentity = options.Identity,
            LeaseDurationSeconds = (int)options.Duration.TotalSeconds,
            AcquireTime = ours ? claim.AcquireTime : now,
            RenewTime = now,
            LeaseTransitions = current is null || ours ? claim.LeaseTransitions : claim.LeaseTransitions + 1,
        };
    }
}
