using System.Collections.Concurrent;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Probes;

/// <summary>A frame that says where the probed address is.</summary>
public interface IProbeAnswer
{
    /// <summary>When it came, since the probe began.</summary>
    TimeSpan At { get; }

    /// <summary>The hardware address it names.</summary>
    string Mac { get; }

    /// <summary>Whether it answers a question, as against an announcement.</summary>
    bool IsReply { get; }
}

/// <summary>What a frame says of the probed address, or null.</summary>
/// <param name="frame">A frame of the probe's EtherType.</param>
/// <param name="at">When it came, since the probe began.</param>
public delegate TAnswer? ProbeReader<TAnswer>(ReadOnlySpan<byte> frame, TimeSpan at)
    where TAnswer : struct, IProbeAnswer;

/// <summary>
/// Asks who has an address, over and over, and records everyone who answers: two at once are a split brain. On a thread of its own, since a
/// busy pool of this process would look like a silence; nor is it one when that thread is kept from running and finds an answer then.
/// </summary>
/// <typeparam name="TAnswer">What it hears.</typeparam>
public abstract class WireProbe<TAnswer> : IAsyncDisposable
    where TAnswer : struct, IProbeAnswer
{
    private static readonly TimeSpan Usual = TimeSpan.FromMilliseconds(10);

    // Replies closer than this are of one spell; a host that is asked every 10 ms loses so many in a row by a fault only.
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(50);

    // A thread that is woken so late was kept from running.
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(5);

    private readonly PacketSocket _socket;
    private readonly byte[] _question;
    private readonly ProbeReader<TAnswer> _read;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly ConcurrentQueue<TAnswer> _answers = new();
    private readonly ConcurrentQueue<(TimeSpan From, TimeSpan To)> _stalls = new();
    private readonly Task _running;
    private volatile bool _stopped;

    /// <summary>A probe that asks from now on.</summary>
    /// <param name="host">Where it asks.</param>
    /// <param name="etherType">What it listens to.</param>
    /// <param name="question">The frame that asks.</param>
    /// <param name="read">Reads what comes.</param>
    /// <param name="interval">Between two questions; 10 ms unless told otherwise.</param>
    /// <param name="time">The clock.</param>
    protected WireProbe(Host host, ushort etherType, byte[] question, ProbeReader<TAnswer> read, TimeSpan? interval, TimeProvider? time)
    {
        _question = question;
        _read = read;
        _interval = interval ?? Usual;
        _time = time ?? TimeProvider.System;
        _start = _time.GetTimestamp();
        _socket = new PacketSocket(host, etherType);
        _running = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Time since the probe began.</summary>
    public TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>All frames so far, in order.</summary>
    public IReadOnlyList<TAnswer> Answers => [.. _answers];

    /// <summary>The hardware addresses that replied after a moment.</summary>
    public IReadOnlySet<string> Macs(TimeSpan since = default) => RepliesSince(since).Select(answer => answer.Mac).ToHashSet();

    /// <summary>Who answered from when on, for people.</summary>
    public string Story()
    {
        var story = new List<string>();
        string last = "";
        foreach (TAnswer answer in _answers)
        {
            if (answer.Mac != last)
            {
                story.Add($"{answer.At.TotalMilliseconds:0} ms {answer.Mac}{(answer.IsReply ? "" : " (not asked)")}");
                last = answer.Mac;
            }
        }

        return string.Join(", ", story);
    }

    /// <summary>The longest time without a reply after a moment.</summary>
    public TimeSpan LongestSilence(TimeSpan since = default) => Silence(since).Longest;

    /// <summary>The longest time without a reply after a moment, and when it began. Not counted is time in which the probe did not get to run and found an answer then.</summary>
    public (TimeSpan Longest, TimeSpan From) Silence(TimeSpan since = default)
    {
        TimeSpan[] replies = [.. RepliesSince(since).Select(answer => answer.At)];
        (TimeSpan From, TimeSpan To)[] stalls = [.. _stalls.Where(stall => stall.To >= since)];
        return replies.Prepend(since).Zip(replies.Append(Now), (before, after) => (after - before - Stalled(stalls, before, after), before)).Max();
    }

    /// <summary>The longest time after a moment in which the probe did not get to run, and found an answer then.</summary>
    public TimeSpan LongestStall(TimeSpan since = default) =>
        _stalls.Where(stall => stall.To >= since).Select(stall => stall.To - stall.From).DefaultIfEmpty().Max();

    /// <summary>The longest time for which two hardware addresses replied side by side after a moment; zero if one only took the place of another.</summary>
    public TimeSpan LongestDouble(TimeSpan since = default)
    {
        (string Mac, TimeSpan From, TimeSpan To)[] spells = [.. RepliesSince(since)
            .GroupBy(answer => answer.Mac).SelectMany(of => Spells(of.Key, of.Select(answer => answer.At)))];
        return spells.SelectMany(one => spells.Where(other => string.CompareOrdinal(one.Mac, other.Mac) < 0)
                .Select(other => Min(one.To, other.To) - Max(one.From, other.From)))
            .Where(both => both > TimeSpan.Zero).DefaultIfEmpty().Max();
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _stopped = true;
        await _running;
        _socket.Dispose();
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static TimeSpan Stalled((TimeSpan From, TimeSpan To)[] stalls, TimeSpan after, TimeSpan until)
    {
        TimeSpan sum = default;
        foreach ((TimeSpan from, TimeSpan to) in stalls)
        {
            sum += Max(Min(to, until) - Max(from, after), TimeSpan.Zero);
        }

        return sum;
    }

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

    private IEnumerable<TAnswer> RepliesSince(TimeSpan since) => _answers.Where(answer => answer.IsReply && answer.At >= since);

    private void Run()
    {
        byte[] frame = new byte[2048];
        TimeSpan next = default, looked = Now;
        while (!_stopped)
        {
            TimeSpan began = Now;
            if (began >= next)
            {
                _socket.Send(_question);
                next = Max(next, began - _interval) + _interval;
            }

            TimeSpan wait = Min(Max(next - began, TimeSpan.Zero), LongestWait);
            int length = _socket.Receive(frame, wait);
            TimeSpan now = Now;
            TAnswer? answer = length > 0 ? _read(frame.AsSpan(0, length), now) : null;

            // Nothing was asked meanwhile, or the answer lay there. Without one, the silence was no less true for that.
            if (answer is { IsReply: true } && now - looked > wait + Late)
            {
                _stalls.Enqueue((looked + wait, now));
            }

            if (answer is { } heard)
            {
                _answers.Enqueue(heard);
            }

            looked = now;
        }
    }
}
