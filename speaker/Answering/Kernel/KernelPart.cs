using LoadBalancer.Core.Addressing;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Status;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LoadBalancer.Speaker.Answering.Kernel;

/// <summary>What <c>--kernel</c> says.</summary>
public enum KernelUse : byte
{
    /// <summary>Used where it can be.</summary>
    Auto,

    /// <summary>The speaker does not start without it.</summary>
    On,

    /// <summary>Not used.</summary>
    Off,
}

/// <summary>The kernel's part of all links: an accelerator, never a requirement (docs/kernel.md).</summary>
public sealed partial class KernelPart : IDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    // On the safe side of the moment at which the others stop to wait for this speaker.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    private static readonly Gauge State = Metrics.CreateGauge(
        "loadbalancer_speaker_kernel", "1 for the state of each part of what the kernel does by itself: answers, connections.", "part", "state");

    private static readonly Counter Answers = Metrics.CreateCounter(
        "loadbalancer_speaker_kernel_answers_total", "Requests that the kernel answered by itself.", "link");

    private static readonly Counter SentOn = Metrics.CreateCounter(
        "loadbalancer_speaker_kernel_segments_sent_on_total", "TCP segments sent on to the former owner of an address.", "link");

    private static readonly Counter Resets = Metrics.CreateCounter(
        "loadbalancer_speaker_kernel_resets_total", "TCP segments answered with a reset, since the former owner that had their connection is lost.", "link");

    private static readonly Counter HeldBack = Metrics.CreateCounter(
        "loadbalancer_speaker_kernel_segments_held_back_total",
        "TCP segments dropped, since too many connections were to be sent on for the first time within a second.", "link");

    private static readonly Gauge Formers = Metrics.CreateGauge(
        "loadbalancer_speaker_kernel_addresses_sent_on", "Addresses whose older connections are kept at their former owner.", "link");

    private readonly KernelProgram? program;
    private readonly TimeSpan grace;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private static readonly Counter HiddenFrames = Metrics.CreateCounter(
        "loadbalancer_speaker_kernel_frames_hidden_total",
        "Frames that did not wake the process: foreign, since neither their sender nor what they ask for concerns this node; answered, since the kernel answered them.",
        "link", "kind");

    private readonly HashSet<IpPrefix> pools = [];
    private readonly Lock gate = new();
    private readonly Dictionary<LinkRunner, (KernelLink Link, uint Slot)> links = [];
    private readonly HashSet<string> told = [];
    private bool knowsPools;
    private Task adopting = Task.CompletedTask;
    private int hasAdopted;

    private KernelPart(KernelProgram? program, KernelState state, string problem, TimeSpan grace, TimeProvider time, ILogger logger)
    {
        this.program = program;
        this.grace = grace;
        this.time = time;
        this.logger = logger;
        Current = state;
        Problem = problem;
        foreach (var part in (ReadOnlySpan<string>)["answers", "connections"])
        {
            foreach (var each in Enum.GetValues<KernelState>())
            {
                State.WithLabels(part, each.Label()).Set(each == state ? 1 : 0);
            }
        }
    }

    /// <summary>Whether it is in use, and if not, why.</summary>
    public KernelState Current { get; }

    /// <summary>Why not, for people; empty while it is in use.</summary>
    public string Problem { get; }

    /// <summary>Loads it, and says once what came of that.</summary>
    /// <param name="use">Whether it is wanted.</param>
    /// <param name="pins">A folder of a BPF file system, or null: then connections are not remembered over a restart.</param>
    /// <param name="grace">How long the others wait for a speaker that left.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public static KernelPart Load(KernelUse use, string? pins, TimeSpan grace, TimeProvider time, ILogger logger)
    {
        var problem = "--kernel off";
        var kept = Usable(pins);
        var (program, state) = use == KernelUse.Off ? (null, KernelState.Off) : KernelProgram.TryLoad(kept, out problem);
        var part = new KernelPart(program, state, problem, grace, time, logger);
        if (program is null)
        {
            part.LogWithout(state, problem);
        }
        else
        {
            part.LogLoaded(kept ?? "nowhere");
        }

        return part;
    }

    /// <summary>The kernel's part for a link that was opened; null without one.</summary>
    public KernelLink? Add(LinkRunner runner)
    {
        lock (gate)
        {
            var slot = Enumerable.Range(0, KernelMaps.MaxLinks).Select(n => (uint)n).Except(links.Values.Select(entry => entry.Slot)).FirstOrDefault(uint.MaxValue);
            if (program is null || slot == uint.MaxValue)
            {
                return null;
            }

            program.CountsOf(slot) = default;
            program.HiddenOf(slot) = default;
            var link = new KernelLink(program, runner.Facts.Index, slot, LeaveFor.Ticks * TimeSpan.NanosecondsPerTick, runner.FilterBy, runner.IsPromiscuous);
            link.KnowPools(knowsPools);
            links.Add(runner, (link, slot));
            runner.Kernel = link;
            return link;
        }
    }

    /// <summary>Who answers on a link, and if it is not the kernel, why; nobody asked it to with <c>--kernel off</c>. From any thread.</summary>
    public AnsweringStatus AnsweringOn(string name)
    {
        if (program is null)
        {
            return new AnsweringStatus { Why = Current == KernelState.Off ? null : Problem };
        }

        lock (gate)
        {
            var link = links.FirstOrDefault(entry => entry.Key.Facts.Name == name).Value.Link;
            return link is { IsActive: true }
                ? new AnsweringStatus { By = "kernel" }
                : new AnsweringStatus { Why = link is null ? $"more than {KernelMaps.MaxLinks} links" : link.Problem ?? "the speaker does not know yet what is its own on the link" };
        }
    }

    /// <summary>The addresses of the pools, by which the kernel tells what does not concern this node.</summary>
    public void Follow(IpRangeSet ranges)
    {
        if (program is null)
        {
            return;
        }

        lock (gate)
        {
            var wanted = ranges.Ranges.SelectMany(static range => range.ToPrefixes()).ToHashSet();
            knowsPools = !ranges.IsEmpty;

            // What comes is there before what goes is gone. Pools cut into more pieces than the kernel's map holds are not known to it.
            foreach (var prefix in wanted.Where(pools.Add))
            {
                knowsPools &= program.SetPool(prefix) == 0;
            }

            foreach (var prefix in pools.Where(prefix => !wanted.Contains(prefix)).ToList())
            {
                pools.Remove(prefix);
                knowsPools &= program.RemovePool(prefix) == 0;
            }

            foreach (var (link, _) in links.Values)
            {
                link.KnowPools(knowsPools);
            }
        }
    }

    /// <summary>This run knows what is its own on a link: what a former run left there is over, also where this one is without the kernel's part.</summary>
    public void Serve(LinkRunner runner)
    {
        if (runner.Kernel is { } link)
        {
            link.Serve();
        }
        else if (Current is not (KernelState.NotBuilt or KernelState.NoLibrary))
        {
            _ = KernelProgram.Detach(runner.Facts.Index);
        }
    }

    /// <summary>
    /// Which connections to these addresses are this node's own is asked of its kernel, once and in the background: those that began while the
    /// program was not there would count as a former owner's.
    /// </summary>
    public void Adopt(IReadOnlyCollection<IpAddress> vips)
    {
        if (program is not null && Interlocked.Exchange(ref hasAdopted, 1) == 0)
        {
            var known = vips.ToHashSet();
            adopting = Task.Run(() => Adopt(program, known));
        }
    }

    private void Adopt(KernelProgram into, HashSet<IpAddress> vips)
    {
        try
        {
            var own = ConntrackDump.Read().Where(connection => vips.Contains(connection.Server)).ToList();
            own.ForEach(connection => into.SetHere(connection));
            LogAdopted(own.Count);
        }
        catch (IOException e)
        {
            LogNotAdopted(e.Message);
        }
    }

    /// <summary>A link is gone.</summary>
    public void Remove(LinkRunner runner)
    {
        lock (gate)
        {
            if (links.Remove(runner, out var entry))
            {
                runner.Kernel = null;
                entry.Link.Close();
                Answers.RemoveLabelled(runner.Facts.Name);
                SentOn.RemoveLabelled(runner.Facts.Name);
                Resets.RemoveLabelled(runner.Facts.Name);
                HeldBack.RemoveLabelled(runner.Facts.Name);
                Formers.RemoveLabelled(runner.Facts.Name);
                HiddenFrames.RemoveLabelled(runner.Facts.Name, "foreign");
                HiddenFrames.RemoveLabelled(runner.Facts.Name, "answered");
            }
        }
    }

    /// <summary>How long the kernel goes on when the speaker leaves; zero for not at all.</summary>
    public TimeSpan LeaveFor => grace > Margin ? grace - Margin : TimeSpan.Zero;

    /// <summary>Looks after the links until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Metrics.DefaultRegistry.AddBeforeCollectCallback(Collect);
        using var timer = new PeriodicTimer(program is null ? Timeout.InfiniteTimeSpan : LookInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
            {
                Look();
            }
        }
        catch (OperationCanceledException)
        {
            // The program stops.
        }
    }

    /// <summary>Lets go of the programs; where they are attached they stay, up to their fences.</summary>
    public void Dispose()
    {
        adopting.Wait();
        program?.Dispose();
    }

    private void Look()
    {
        lock (gate)
        {
            foreach (var (runner, (link, _)) in links)
            {
                link.Look();
                var name = runner.Facts.Name;
                if (link.Problem is not { } problem)
                {
                    told.Remove(name);
                }
                else if (told.Add(name))
                {
                    LogLinkWithout(name, problem);
                }
            }
        }
    }

    private void Collect()
    {
        lock (gate)
        {
            foreach (var (runner, (link, _)) in links)
            {
                var (name, counts) = (runner.Facts.Name, link.Counts);
                Answers.WithLabels(name).IncTo(counts.Arp + counts.Ndp);
                SentOn.WithLabels(name).IncTo(counts.SentOn);
                Resets.WithLabels(name).IncTo(counts.Reset);
                HiddenFrames.WithLabels(name, "foreign").IncTo(link.Hidden.Foreign);
                HiddenFrames.WithLabels(name, "answered").IncTo(link.Hidden.Answered);
                HeldBack.WithLabels(name).IncTo(counts.HeldBack);
                Formers.WithLabels(name).Set(link.Formers.Values.Count(static mac => mac.Value != 0));
            }
        }
    }

    // A folder that is no BPF file system would only refuse the maps, and the program with them.
    private static string? Usable(string? pins)
    {
        if (pins is null)
        {
            return null;
        }

        try
        {
            if (LibC.FileSystemOf(Path.GetDirectoryName(Path.GetFullPath(pins))!) != LibC.BpfFileSystem)
            {
                return null;
            }

            Directory.CreateDirectory(pins);
            return pins;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [LoggerMessage(EventId = 3400, Level = LogLevel.Information, Message = "The kernel answers by itself and keeps connections when addresses move. Which began where is remembered over a restart in: {Pins}")]
    private partial void LogLoaded(string pins);

    [LoggerMessage(EventId = 3401, Level = LogLevel.Information, Message = "All answers come from this process ({State}): {Problem}")]
    private partial void LogWithout(KernelState state, string problem);

    [LoggerMessage(EventId = 3402, Level = LogLevel.Warning, Message = "On {Link} all answers come from this process: {Problem}")]
    private partial void LogLinkWithout(string link, string problem);

    [LoggerMessage(EventId = 3403, Level = LogLevel.Information, Message = "{Count} connections began before the kernel took part; they are this node's")]
    private partial void LogAdopted(int count);

    [LoggerMessage(EventId = 3404, Level = LogLevel.Warning, Message = "Connections that began before the kernel took part do not outlast that their address moves away and back: {Problem}")]
    private partial void LogNotAdopted(string problem);
}
