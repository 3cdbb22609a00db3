using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Probes;

/// <summary>One attempt to connect.</summary>
/// <param name="Started">When the first SYN left, since the probe began.</param>
/// <param name="Ended">When it was known how it went.</param>
/// <param name="Success">Whether a connection came about.</param>
public readonly record struct ConnectAttempt(TimeSpan Started, TimeSpan Ended, bool Success);

/// <summary>
/// A client that opens a TCP connection every few milliseconds, each with a socket of its own, whatever becomes of the others:
/// what it records is how long an address was unreachable.
/// </summary>
public sealed class ConnectProbe : IAsyncDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(500);
    private readonly Host _host;
    private readonly IPEndPoint _target;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<ConnectAttempt> _attempts = [];
    private readonly ConcurrentDictionary<Task, bool> _pending = new();
    private readonly Task _loop;

    private ConnectProbe(Host host, string address, int port, TimeSpan interval, TimeProvider time)
    {
        _host = host;
        _target = new IPEndPoint(IPAddress.Parse(address), port);
        _time = time;
        _start = time.GetTimestamp();
        _loop = LoopAsync(interval);
    }

    /// <summary>Begins to connect from a host, every 10 ms unless told otherwise.</summary>
    public static ConnectProbe Start(Host host, string address, int port = 80, TimeSpan? interval = null, TimeProvider? time = null) =>
        new(host, address, port, interval ?? TimeSpan.FromMilliseconds(10), time ?? TimeProvider.System);

    /// <summary>Time since the probe began, to set against <see cref="Attempts"/>.</summary>
    public TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>All attempts so far, by their start.</summary>
    public IReadOnlyList<ConnectAttempt> Attempts => [.. _attempts.OrderBy(attempt => attempt.Started)];

    /// <summary>Whether an attempt begun after a moment has succeeded.</summary>
    public bool SucceededSince(TimeSpan moment) => _attempts.Any(attempt => attempt.Success && attempt.Started >= moment);

    /// <summary>From a moment to the end of the first successful attempt begun after it, or null.</summary>
    public TimeSpan? FirstSuccessAfter(TimeSpan moment)
    {
        TimeSpan[] ends = [.. _attempts.Where(attempt => attempt.Success && attempt.Started >= moment).Select(attempt => attempt.Ended)];
        return ends.Length == 0 ? null : ends.Min() - moment;
    }

    /// <summary>The longest time between the ends of two successive successes, and between the last and now.</summary>
    public TimeSpan LongestGap(TimeSpan since = default)
    {
        TimeSpan[] ends = [.. _attempts.Where(attempt => attempt.Success && attempt.Ended >= since).Select(attempt => attempt.Ended).Order()];
        return ends.Prepend(since).Zip(ends.Append(Now), (before, after) => after - before).Max();
    }

    /// <summary>Stops connecting and lets attempts under way end.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        await Task.WhenAll(_pending.Keys);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task LoopAsync(TimeSpan interval)
    {
        using var timer = new PeriodicTimer(interval, _time);
        while (!_stop.IsCancellationRequested)
        {
            Task attempt = AttemptAsync();
            _pending[attempt] = true;
            _ = attempt.ContinueWith(done => _pending.TryRemove(done, out _), TaskScheduler.Default);
            try
            {
                await timer.WaitForNextTickAsync(_stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task AttemptAsync()
    {
        using Socket socket = _host.TcpSocket(_target.AddressFamily);
        // A reset instead of a FIN: ten thousands of sockets in TIME_WAIT would run the client out of ports.
        socket.LingerState = new LingerOption(true, 0);
        using var patience = new CancellationTokenSource(Timeout, _time);
        TimeSpan started = Now;
        bool success = false;
        try
        {
            await socket.ConnectAsync(_target, patience.Token);
            success = true;
        }
        catch (Exception failure) when (failure is SocketException or OperationCanceledException)
        {
            // Recorded below.
        }

        _attempts.Add(new ConnectAttempt(started, Now, success));
    }
}
