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
    // Replies closer than this are of one spell; a host that is asked every 10 ms loses so many in a row by a fault only.
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(50);

    private readonly PacketSocket _socket;
    private readonly Host _host;
    private readonly string _address;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly ConcurrentQueue<ArpAnswer> _answers = new();
    private readonly Task _running;
    private volatile bool _stopped;

    private ArpProbe(Host host, string address, TimeSpan interval, TimeProvider time)
    {
        _host = host;
        _address = address;
        _interval = interval;
        _time = time;
        _start = time.GetTimestamp();
        _socket = new PacketSocket(host, PacketSocket.Arp);
        _running = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
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
    public TimeSpan LongestSilence(TimeSpan since = default) => Silence(since).Longest;

    /// <summary>The longest time without a reply after a moment, and when it began.</summary>
    public (TimeSpan Longest, TimeSpan From) Silence(TimeSpan since = default)
    {
        TimeSpan[] replies = [.. _answers.Where(answer => answer.Reply && answer.At >= since).Select(answer => answer.At)];
        return replies.Prepend(since).Zip(replies.Append(Now), (before, after) => (after - before, before)).Max();
    }

    /// <summary>The longest time for which two hardware addresses replied side by side after a moment; zero if one only took the place of another.</summary>
    public TimeSpan LongestDouble(TimeSpan since = default)
    {
        (string Mac, TimeSpan From, TimeSpan To)[] spells = [.. _answers.Where(answer => answer.Reply && answer.At >= since)
            .GroupBy(answer => answer.Mac).SelectMany(of => Spells(of.Key, of.Select(answer => answer.At)))];
        return spells.SelectMany(one => spells.Where(other => string.CompareOrdinal(one.Mac, other.Mac) < 0)
                .Select(other => Min(one.To, other.To) - Max(one.From, other.From)))
            .Where(both => both > TimeSpan.Zero).DefaultIfEmpty().Max();
    }

    public async ValueTask DisposeAsync()
    {
        _stopped = true;
        await _running;
        _socket.Dispose();
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    // Replies of one host that follow each other, some lost.
    private static IEnumerable<(string Mac, TimeSpan From, TimeSpan To)> Spells(string mac, IEnumerable<TimeSpan> replies)
    {
        TimeSpan? from = null;
        TimeSpan to = default;
        foreach (TimeSpan at in replies)
        {
            if (from is { } begun && at - to > Together)
            {
                yield return (mac, begun, to);
                from = at;
            }

            from ??= at;
            to = at;
        }

        if (from is { } last)
        {
            yield return (mac, last, to);
        }
    }

    // A thread of its own: a busy pool of this process would look like a silence.
    private void Run()
    {
        byte[] request = ArpFrame.Request(_host.Mac, _host.Address, _address);
        byte[] frame = new byte[2048];
        TimeSpan next = default;
        while (!_stopped)
        {
            if (Now >= next)
            {
                _socket.Send(request);
                next = Max(next, Now - _interval) + _interval;
            }

            int length = _socket.Receive(frame, Min(Max(next - Now, TimeSpan.Zero), LongestWait));
            if (ArpFrame.Read(frame.AsSpan(0, length)) is { } arp && arp.SenderIp == _address)
            {
                _answers.Enqueue(new ArpAnswer(Now, arp.SenderMac, arp.Operation == 2));
            }
        }
    }
}
