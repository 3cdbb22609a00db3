using System.Collections.Concurrent;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Probes;

/// <summary>One neighbour advertisement for the probed address.</summary>
/// <param name="At">When it came, since the probe began.</param>
/// <param name="Mac">Whom it names.</param>
/// <param name="Solicited">Whether it was an answer: the S flag.</param>
/// <param name="Override">The O flag.</param>
public readonly record struct NdpAnswer(TimeSpan At, string Mac, bool Solicited, bool Override);

/// <summary>Looks for an IPv6 address, over and over by multicast, and records everyone who answers: two at once are a split brain.</summary>
public sealed class NdpProbe : IAsyncDisposable
{
    private readonly PacketSocket _socket;
    private readonly string _address;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<NdpAnswer> _answers = new();
    private readonly Task[] _tasks;

    private NdpProbe(Host host, string address, TimeSpan interval, TimeProvider time)
    {
        _address = address;
        _time = time;
        _start = time.GetTimestamp();
        _socket = new PacketSocket(host, PacketSocket.IPv6);
        _tasks = [AskAsync(NdpFrame.Solicitation(host.Mac, host.Address6, address), interval), ListenAsync()];
    }

    /// <summary>Begins to ask from a host, every 10 ms unless told otherwise.</summary>
    public static NdpProbe Start(Host host, string address, TimeSpan? interval = null, TimeProvider? time = null) =>
        new(host, address, interval ?? TimeSpan.FromMilliseconds(10), time ?? TimeProvider.System);

    /// <summary>Time since the probe began.</summary>
    public TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>All advertisements so far, in order.</summary>
    public IReadOnlyList<NdpAnswer> Answers => [.. _answers];

    /// <summary>The hardware addresses that answered after a moment.</summary>
    public IReadOnlySet<string> Macs(TimeSpan since = default) => _answers.Where(answer => answer.Solicited && answer.At >= since).Select(answer => answer.Mac).ToHashSet();

    /// <summary>The longest time without an answer after a moment.</summary>
    public TimeSpan LongestSilence(TimeSpan since = default)
    {
        TimeSpan[] answers = [.. _answers.Where(answer => answer.Solicited && answer.At >= since).Select(answer => answer.At)];
        return answers.Prepend(since).Zip(answers.Append(Now), (before, after) => after - before).Max();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_tasks);
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task AskAsync(byte[] solicitation, TimeSpan interval)
    {
        using var timer = new PeriodicTimer(interval, _time);
        try
        {
            do
            {
                _socket.Send(solicitation);
            }
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private async Task ListenAsync()
    {
        byte[] frame = new byte[2048];
        try
        {
            while (true)
            {
                int length = await _socket.ReceiveAsync(frame, _stop.Token);
                if (NdpFrame.ReadAdvertisement(frame.AsSpan(0, length)) is { } read && read.Target == _address)
                {
                    _answers.Enqueue(new NdpAnswer(Now, read.Mac, read.Solicited, read.Override));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }
}
