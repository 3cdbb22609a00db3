using System.Collections.Concurrent;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Probes;

/// <summary>One ARP frame that named the probed address as its sender.</summary>
/// <param name="At">When it came, since the probe began.</param>
/// <param name="Mac">Whom it names.</param>
/// <param name="Reply">Whether it was a reply (operation 2).</param>
public readonly record struct ArpAnswer(TimeSpan At, string Mac, bool Reply);

/// <summary>Asks who has an address, over and over by broadcast, and records everyone who answers: two at once are a split brain.</summary>
public sealed class ArpProbe : IAsyncDisposable
{
    private readonly PacketSocket _socket;
    private readonly string _address;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<ArpAnswer> _answers = new();
    private readonly Task[] _tasks;

    private ArpProbe(Host host, string address, TimeSpan interval, TimeProvider time)
    {
        _address = address;
        _time = time;
        _start = time.GetTimestamp();
        _socket = new PacketSocket(host, PacketSocket.Arp);
        _tasks = [AskAsync(ArpFrame.Request(host.Mac, host.Address, address), interval), ListenAsync()];
    }

    /// <summary>Begins to ask from a host, every 10 ms unless told otherwise.</summary>
    public static ArpProbe Start(Host host, string address, TimeSpan? interval = null, TimeProvider? time = null) =>
        new(host, address, interval ?? TimeSpan.FromMilliseconds(10), time ?? TimeProvider.System);

    /// <summary>Time since the probe began.</summary>
    public TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>All frames so far, in order.</summary>
    public IReadOnlyList<ArpAnswer> Answers => [.. _answers];

    /// <summary>The hardware addresses that replied after a moment.</summary>
    public IReadOnlySet<string> Macs(TimeSpan since = default) => _answers.Where(answer => answer.Reply && answer.At >= since).Select(answer => answer.Mac).ToHashSet();

    /// <summary>Who answered from when on, for people.</summary>
    public string Story()
    {
        var story = new List<string>();
        string last = "";
        foreach (ArpAnswer answer in _answers)
        {
            if (answer.Mac != last)
            {
                story.Add($"{answer.At.TotalMilliseconds:0} ms {answer.Mac}{(answer.Reply ? "" : " (request)")}");
                last = answer.Mac;
            }
        }

        return string.Join(", ", story);
    }

    /// <summary>The longest time without a reply after a moment.</summary>
    public TimeSpan LongestSilence(TimeSpan since = default)
    {
        TimeSpan[] replies = [.. _answers.Where(answer => answer.Reply && answer.At >= since).Select(answer => answer.At)];
        return replies.Prepend(since).Zip(replies.Append(Now), (before, after) => after - before).Max();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_tasks);
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task AskAsync(byte[] request, TimeSpan interval)
    {
        using var timer = new PeriodicTimer(interval, _time);
        try
        {
            do
            {
                _socket.Send(request);
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
                if (ArpFrame.Read(frame.AsSpan(0, length)) is { } arp && arp.SenderIp == _address)
                {
                    _answers.Enqueue(new ArpAnswer(Now, arp.SenderMac, arp.Operation == 2));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }
}
