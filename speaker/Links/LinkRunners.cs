using System.Collections.Concurrent;
using System.Threading.Channels;
using LoadBalancer.Core.Packets;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// The open links: one runner for each link of a <see cref="LinkSet"/>. A link that appears is opened, one that goes is closed, one
/// that fails is opened again with growing pauses; a re-created interface is another link.
/// </summary>
public sealed partial class LinkRunners : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    // A link that worked for this long has earned a quick retry when it fails.
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(30);

    private readonly LinkSet links;
    private readonly Func<LinkFacts, IPacketLink> open;
    private readonly IPeerFrameSink peers;
    private readonly INeighborObserver? observer;
    private readonly Action<LinkRunner> start;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly ITimer retry;
    private readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ConcurrentQueue<(LinkRunner Runner, string Reason)> ended = new();
    private readonly Dictionary<Key, Slot> slots = [];
    private readonly Lock gate = new();
    private volatile IReadOnlyList<LinkRunner> current = [];
    private bool disposed;

    /// <summary>Runners for the links of a set.</summary>
    /// <param name="links">The set to follow.</param>
    /// <param name="open">Opens a link, <see cref="PcapLink.Open"/>; an <see cref="IOException"/> means "try again later".</param>
    /// <param name="peers">Takes the peers' frames of all links.</param>
    /// <param name="observer">Hears others' ARP and NDP on all links; null for nobody.</param>
    /// <param name="time">The clock of the pauses.</param>
    /// <param name="logger">Told of links opened, closed and failed.</param>
    /// <param name="start">Starts a new runner; null for <see cref="LinkRunner.Start"/>, a thread for each.</param>
    public LinkRunners(
        LinkSet links, Func<LinkFacts, IPacketLink> open, IPeerFrameSink peers, INeighborObserver? observer, TimeProvider time, ILogger logger,
        Action<LinkRunner>? start = null)
    {
        this.start = start ?? (static runner => runner.Start());
        this.links = links;
        this.open = open;
        this.peers = peers;
        this.observer = observer;
        this.time = time;
        this.logger = logger;
        retry = time.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        links.Changed += Wake;
    }

    /// <summary>
    /// <see cref="Current"/> is another list, or the facts of one in it changed. A new runner has heard nothing yet and answers
    /// nothing: its table is for the handler, or whom it wakes, to set.
    /// </summary>
    public event Action? Changed;

    /// <summary>The open links by index; an immutable snapshot.</summary>
    public IReadOnlyList<LinkRunner> Current => current;

    /// <summary>
    /// Follows the set until cancelled. The links then stay open, so that a program which leaves can hand over first:
    /// <see cref="Dispose"/> closes them.
    /// </summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Wake();
        await foreach (var _ in wake.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            Reconcile();
        }
    }

    /// <summary>Closes all links; each stops answering.</summary>
    public void Dispose()
    {
        links.Changed -= Wake;
        retry.Dispose();
        lock (gate)
        {
            disposed = true;
            foreach (var slot in slots.Values)
            {
                slot.Runner?.Dispose();
            }

            slots.Clear();
            current = [];
        }
    }

    /// <summary>Makes what is open match the set.</summary>
    internal void Reconcile()
    {
        var started = new List<LinkRunner>();
        lock (gate)
        {
            if (disposed)
            {
                return;
            }

            var now = time.GetTimestamp();
            var wanted = links.Current.ToDictionary(static facts => new Key(facts.Index, facts.Name));
            var changed = CloseUnwanted(wanted);
            changed |= CloseEnded(now);
            foreach (var (key, facts) in wanted)
            {
                changed |= Follow(key, facts, now, started);
            }

            if (!changed)
            {
                return;
            }

            current = [.. slots.Values.Select(slot => slot.Runner).OfType<LinkRunner>().OrderBy(runner => runner.Facts.Index)];
        }

        // The table of a new runner can be set before its first frame arrives.
        Changed?.Invoke();
        started.ForEach(start);
    }

    private bool CloseEnded(long now)
    {
        var changed = false;
        while (ended.TryDequeue(out var end))
        {
            if (slots.Values.FirstOrDefault(slot => slot.Runner == end.Runner) is { } slot)
            {
                LogEnded(end.Runner.Facts.Name, end.Reason);
                slot.Runner = null;
                slot.Failures = time.GetElapsedTime(slot.OpenedAt, now) >= Settled ? 0 : slot.Failures;
                Postpone(slot, now);
                changed = true;
            }

            end.Runner.Dispose();
        }

        return changed;
    }

    private bool CloseUnwanted(Dictionary<Key, LinkFacts> wanted)
    {
        var changed = false;
        foreach (var (key, slot) in slots.Where(entry => !wanted.ContainsKey(entry.Key)).ToList())
        {
            slots.Remove(key);
            if (slot.Runner is { } runner)
            {
                runner.Dispose();
                LogClosed(key.Name);
                changed = true;
            }
        }

        return changed;
    }

    private bool Follow(Key key, LinkFacts facts, long now, List<LinkRunner> started)
    {
        if (!slots.TryGetValue(key, out var slot))
        {
            slots.Add(key, slot = new Slot { NotBefore = now });
        }

        if (slot.Runner is { } running)
        {
            var changed = !ReferenceEquals(running.Facts, facts);
            running.Facts = facts;
            return changed;
        }

        if (slot.NotBefore > now)
        {
            return false;
        }

        slot.Runner = TryOpen(facts, slot, now);
        if (slot.Runner is null)
        {
            return false;
        }

        slot.OpenedAt = now;
        started.Add(slot.Runner);
        return true;
    }

    private LinkRunner? TryOpen(LinkFacts facts, Slot slot, long now)
    {
        try
        {
            var runner = new LinkRunner(open(facts), peers, observer, OnEnded);
            LogOpened(facts.Name, facts.Mac);
            return runner;
        }
        catch (IOException e)
        {
            // Said once, not with every try.
            if (slot.Failures == 0)
            {
                LogCannotOpen(facts.Name, e.Message);
            }

            Postpone(slot, now);
            return null;
        }
    }

    private void Postpone(Slot slot, long now)
    {
        var pause = TimeSpan.FromTicks(Math.Min(FirstPause.Ticks << Math.Min(slot.Failures, 16), LongestPause.Ticks));
        slot.Failures++;
        slot.NotBefore = now + (long)(pause.TotalSeconds * time.TimestampFrequency);
        var earliest = slots.Values.Where(other => other.Runner is null).Min(other => other.NotBefore);
        retry.Change(time.GetElapsedTime(now, Math.Max(now, earliest)), Timeout.InfiniteTimeSpan);
    }

    private void OnEnded(LinkRunner runner, string reason)
    {
        ended.Enqueue((runner, reason));
        Wake();
    }

    private void Wake() => wake.Writer.TryWrite(true);

    private readonly record struct Key(int Index, string Name);

    /// <summary>A link that should be open, and how that goes.</summary>
    private sealed class Slot
    {
        internal LinkRunner? Runner { get; set; }

        internal int Failures { get; set; }

        internal long NotBefore { get; set; }

        internal long OpenedAt { get; set; }
    }
}
