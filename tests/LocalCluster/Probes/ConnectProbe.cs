using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Probes;

/// <summary>One attempt to connect, or to get a page.</summary>
/// <param name="Started">When the first SYN left, since the probe began.</param>
/// <param name="Ended">When it was known how it went.</param>
/// <param name="Success">Whether a connection came about, and the page was served if one was asked for.</param>
public readonly record struct ConnectAttempt(TimeSpan Started, TimeSpan Ended, bool Success);

/// <summary>
/// A client that opens a TCP connection every few milliseconds, each with a socket of its own, whatever becomes of the others, and asks
/// for a page on it if told to: what it records is how long an address was unreachable.
/// </summary>
public sealed class ConnectProbe : IAsyncDisposable
{
    /// <summary>After this long without the first line of a page, a request has failed.</summary>
    public static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromMilliseconds(500);
    private static readonly byte[] Served = "HTTP/1.1 200 "u8.ToArray();
    private readonly Host _host;
    private readonly IPEndPoint _target;
    private readonly byte[] _request;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<ConnectAttempt> _attempts = [];
    private readonly ConcurrentDictionary<Task, TimeSpan> _pending = new();
    private readonly Task _loop;

    private ConnectProbe(Host host, string address, int port, TimeSpan interval, TimeProvider time, byte[] request)
    {
        _host = host;
        _target = new IPEndPoint(IPAddress.Parse(address), port);
        _request = request;
        _time = time;
        _start = time.GetTimestamp();
        _loop = LoopAsync(interval);
    }

    /// <summary>Begins to connect from a host, every 10 ms unless told otherwise.</summary>
    public static ConnectProbe Start(Host host, string address, int port = 80, TimeSpan? interval = null, TimeProvider? time = null) =>
        new(host, address, port, interval ?? TimeSpan.FromMilliseconds(10), time ?? TimeProvider.System, []);

    /// <summary>Begins to ask a web server on port 80 for its page, each time on a connection of its own.</summary>
    public static ConnectProbe StartRequests(Host host, string address, TimeSpan interval) =>
        new(host, address, 80, interval, TimeProvider.System, Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: {Lan.UrlHost(address)}\r\nConnection: close\r\n\r\n"));

    /// <summary>Time since the probe began, to set against <see cref="Attempts"/>.</summary>
    public TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>All attempts so far, by their start.</summary>
    public IReadOnlyList<ConnectAttempt> Attempts => [.. _attempts.OrderBy(attempt => attempt.Started)];

    /// <summary>Whether it is known how every attempt begun up to a moment went.</summary>
    public bool IsSettledUntil(TimeSpan moment)
    {
        // They begin one after the other: once a later one is known of, none of the earlier is unknown.
        TimeSpan[] pending = [.. _pending.Values];
        return pending.All(started => started > moment) && pending.Concat(_attempts.Select(attempt => attempt.Started)).Any(started => started > moment);
    }

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
            TimeSpan started = Now;
            Task attempt = AttemptAsync(started);
            _pending[attempt] = started;
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

    private async Task AttemptAsync(TimeSpan started)
    {
        using Socket socket = _host.TcpSocket(_target.AddressFamily);
        // A reset instead of a FIN: ten thousands of sockets in TIME_WAIT would run the client out of ports.
        socket.LingerState = new LingerOption(true, 0);
        using var patience = new CancellationTokenSource(_request.Length == 0 ? ConnectTimeout : RequestTimeout, _time);
        bool success = false;
        try
        {
            await socket.ConnectAsync(_target, patience.Token);
            success = _request.Length == 0 || await IsServedAsync(socket, patience.Token);
        }
        catch (Exception failure) when (failure is SocketException or OperationCanceledException)
        {
            // Recorded below.
        }

        _attempts.Add(new ConnectAttempt(started, Now, success));
    }

    private async Task<bool> IsServedAsync(Socket socket, CancellationToken patience)
    {
        await socket.SendAsync(_request, patience);
        byte[] start = new byte[Served.Length];
        int length = 0, read;
        while (length < start.Length && (read = await socket.ReceiveAsync(start.AsMemory(length), patience)) > 0)
        {
            length += read;
        }

        return start.AsSpan(0, length).SequenceEqual(Served);
    }
}
