using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Hosting;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Announcing;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Membership;
using LoadBalancer.Speaker.NodeLoss;
using LoadBalancer.Speaker.Ownership;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>
/// One run of the speaker: the program's own parts, from the frame to the answer. What its threads do is done here when it is time, in
/// an order that chance decides.
/// </summary>
internal sealed class SimulatedSpeaker : IEventRecorder, IDisposable
{
    // What the kernel keeps of frames that nobody reads.
    private const int Unread = 500;

    private readonly SimulatedNode node;
    private readonly SimulatedCluster cluster;
    private readonly WakeUp changed = new();
    private readonly Announcer announcer;
    private readonly LinkSet linkSet = new();
    private readonly LinkRunners runners;
    private readonly SpeakerLinks links;
    private readonly LossWatch losses;
    private readonly SpeakerPipeline pipeline;
    private readonly OwnershipPass pass;
    private readonly Heartbeats heartbeats;
    private readonly List<SimulatedLink> open = [];
    private readonly List<Action> waiting = [];
    private readonly Loop beating;
    private readonly Loop deciding;
    private readonly ProcessTime clock;
    private bool dead;
    private bool leaving;

    public SimulatedSpeaker(SimulatedNode node, SimulatedCluster cluster, ulong boot)
    {
        this.node = node;
        this.cluster = cluster;
        StartedAt = cluster.Now;
        clock = new ProcessTime(cluster.Time, Do);
        var monotonic = new MonotonicClock(clock);
        Api = cluster.Api.Watch(node);
        announcer = new Announcer(clock);
        heartbeats = new Heartbeats(new SpeakerIdentity(node.Name, boot), cluster.TimingsOf(node.Index), TimeSpan.FromMilliseconds(100), monotonic, changed)
        {
            Gateways = [.. cluster.Gateways],
        };
        links = new SpeakerLinks(heartbeats, announcer, static () => { }, monotonic, changed);
        runners = new LinkRunners(linkSet, Open, links, links, clock, NullLogger.Instance, Started);
        var keys = HeartbeatKeyWatch.OfSecret(Api.Secrets, SimulatedApi.KeySecret, null, heartbeats, monotonic, NullLogger.Instance);
        pass = new OwnershipPass(heartbeats, Api.Nodes, new SpeakerLeases(Api.Leases, Api.Nodes, node.Name), new OwnershipEvents(this, node.Name),
            new IsolationEvents(this, Api.Nodes, node.Name), () => Api.IsCurrent);
        losses = new LossWatch(Api.Nodes, Api.Leases, node.Name);
        losses.Changed += StateLosses;
        pipeline = new SpeakerPipeline(new SpeakerStores(Api.Services, Api.Slices, Api.Nodes, Api.Leases), () => Api.Pools, heartbeats, keys, pass,
            losses, new Readiness(), monotonic, changed, loadBalancerClass: null);
        beating = new Loop(this, "heartbeats", heartbeats.Wake, heartbeats.Beat);
        deciding = new Loop(this, "ownership", changed, Decide);
        FollowLinks();
        beating.Schedule(Soon());
        deciding.Schedule(Soon());
        cluster.Time.After(cluster.Time.Between(100_000, 500_000), () => RenewLease());
    }

    public ApiView Api { get; }

    public TimeSpan StartedAt { get; }

    /// <summary>Whether it was stopped by SIGSTOP: nothing of it runs.</summary>
    public bool Stopped { get; private set; }

    public bool Leaving => leaving;

    public IEnumerable<Segment> Segments => heartbeats.Segments;

    /// <summary>Every interface it answers on for the VIP, with the hardware address it answers.</summary>
    public IEnumerable<(Port Port, MacAddress Mac)> Answers(IpAddress vip)
    {
        if (dead || Stopped)
        {
            yield break;
        }

        foreach (var link in open)
        {
            if (!link.Closed && link.Runner is { MayAnswer: true } runner && runner.Table.TryGet(vip.AsUInt32, out var mac))
            {
                yield return (link.Port, mac);
            }
        }
    }

    /// <summary>Something happens to the process: now, or when it goes on.</summary>
    public void Do(Action action)
    {
        if (dead)
        {
            return;
        }

        if (Stopped)
        {
            waiting.Add(action);
            return;
        }

        action();
        Poll();
    }

    public void Hear(Port port, byte[] frame)
    {
        foreach (var link in open)
        {
            if (link.Port == port && !link.Closed && link.Runner is { } runner)
            {
                if (Stopped || link.HasUnread)
                {
                    link.Keep(frame, Unread);
                }
                else
                {
                    runner.Take(frame);
                    Poll();
                }
            }
        }
    }

    /// <summary>The interfaces are not what they were.</summary>
    public void FollowLinks() => Do(() =>
    {
        linkSet.Update([.. node.Ports.Where(port => port.Present)
            .Select(port => new LinkFacts(port.Name, port.Index, port.Mac, [port.Prefix], port.Carrier) { Mtu = port.Mtu }).OrderBy(link => link.Index)]);
        runners.Reconcile();
        links.Follow(runners.Current);
        SayLease();
    });

    /// <summary>SIGTERM.</summary>
    public void Terminate() => Do(() =>
    {
        leaving = true;
        pipeline.Leave();
    });

    /// <summary>SIGKILL.</summary>
    public void Dispose()
    {
        dead = true;
        open.ForEach(static link => link.Dispose());
        runners.Dispose();
        announcer.Dispose();
        cluster.Api.Forget(Api);
        heartbeats.Wake.Dispose();
        changed.Dispose();
    }

    /// <summary>SIGSTOP.</summary>
    public void Stop() => Stopped = true;

    /// <summary>SIGCONT: timers, threads and frames that waited are all due, in any order.</summary>
    public void Continue()
    {
        if (!Stopped)
        {
            return;
        }

        Stopped = false;
        beating.Schedule(Soon());
        deciding.Schedule(Soon());
        var actions = waiting.ToArray();
        waiting.Clear();
        cluster.Time.After(Soon(), () => Array.ForEach(actions, Do));
        cluster.Time.After(Soon(), Catch);
    }

    public void Record(EventTarget target, EventSeverity severity, string reason, string message) =>
        cluster.Say($"{node.Name}: Event {reason} on {target.Key}: {message}");

    public void Repeat(EventTarget target, EventSeverity severity, string reason, string message, TimeSpan age)
    {
    }

    // What was not decided, since it would come to the same, would have. In one life of two: in the others it is never looked at again.
    private TimeSpan Decide()
    {
        if (cluster.Seed % 2 == 1)
        {
            return pipeline.Step();
        }

        var (decided, decidedAll) = (pass.Decided, pass.DecidedAll);
        var next = pipeline.Step();
        if (pass.Decided == decided || pass.DecidedAll != decidedAll)
        {
            return next;
        }

        var found = States();
        for (var before = found; pipeline.Step() is var _ && !Same(found = States(), before); before = found)
        {
            // What changed may lead to another change.
        }

        pass.DecideAllNext();
        pipeline.Step();
        foreach (var (at, state) in States())
        {
            if (state != found.GetValueOrDefault(at))
            {
                throw new InvalidOperationException($"{node.Name} did not decide {at.Vip} on {at.Link}, which became {state} instead of {found.GetValueOrDefault(at)}");
            }
        }

        return TimeSpan.Zero;
    }

    private static bool Same(Dictionary<(string Link, IpAddress Vip), OwnershipState> a, Dictionary<(string Link, IpAddress Vip), OwnershipState> b) =>
        a.Count == b.Count && a.All(entry => b.TryGetValue(entry.Key, out var other) && other == entry.Value);

    private Dictionary<(string Link, IpAddress Vip), OwnershipState> States() =>
        heartbeats.Segments.SelectMany(segment => segment.Ownership.All.Select(entry => ((segment.Name, entry.Key), entry.Value))).ToDictionary();

    private TimeSpan Soon() => cluster.Time.Between(10, 200);

    private SimulatedLink Open(LinkFacts facts)
    {
        var link = new SimulatedLink(node.Ports.First(port => port.Present && port.Name == facts.Name), facts, cluster.Wire);
        open.RemoveAll(former => former.Closed);
        open.Add(link);
        return link;
    }

    private void Started(LinkRunner runner) => open.Last(link => link.Facts.Name == runner.Facts.Name).Runner = runner;

    private void Poll()
    {
        beating.Poll();
        deciding.Poll();
    }

    private void Catch()
    {
        if (dead || Stopped)
        {
            return;
        }

        var more = false;
        foreach (var link in open.ToArray())
        {
            for (var i = 0; i < 20 && link.Next() is { } frame; i++)
            {
                link.Runner!.Take(frame);
            }

            more |= link.HasUnread;
        }

        Poll();
        if (more)
        {
            cluster.Time.After(Soon(), Catch);
        }
    }

    private void AfterStep()
    {
        Poll();
        if (leaving && pipeline.Left.IsCompleted)
        {
            leaving = false;
            cluster.Time.After(cluster.Time.Between(100, 3000), () =>
            {
                WriteLease("");
                node.Exited(this);
            });
        }
    }

    private void RenewLease()
    {
        if (!dead)
        {
            Do(SayLease);
            cluster.Time.After(cluster.LeasePeriod, RenewLease);
        }
    }

    private void SayLease() => WriteLease(node.Name);

    private void WriteLease(string holder)
    {
        if (dead || !node.ReachesApi)
        {
            return;
        }

        cluster.Api.PutLease(new LeaseResource
        {
            Key = new ObjectKey(SimulatedApi.Namespace, node.Name),
            HolderIdentity = holder,
            LeaseDurationSeconds = (int)(4 * cluster.LeasePeriod).TotalSeconds,
            RenewTime = clock.GetUtcNow() + node.ClockAhead,
            Annotations = new Dictionary<string, string>(SpeakerLeases.Annotations(runners.Current.Select(runner => runner.Facts), heartbeats.Standing.Ready, cluster.Gateways, heartbeats.Segments))
            {
                [LossAnnotations.Lost] = losses.Statements,
            },
        });
    }

    /// <summary>What it states of lost nodes.</summary>
    public string LossStatements => losses.Statements;

    private void StateLosses()
    {
        SayLease();
        if (!dead && node.ReachesApi)
        {
            cluster.Watch.NoteLosses(node, losses.Statements);
        }
    }

    /// <summary>One of the program's threads: a step, then the wait it asks for, or until it is woken.</summary>
    private sealed class Loop(SimulatedSpeaker speaker, string name, WakeUp wake, Func<TimeSpan> step)
    {
        private static readonly TimeSpan Least = TimeSpan.FromMicroseconds(20);

        private const int MostSteps = 2000;

        private long ticket;
        private bool woken;
        private TimeSpan window;
        private int steps;

        public void Poll()
        {
            if (wake.Take() && !woken)
            {
                woken = true;
                Schedule(speaker.Soon());
            }
        }

        public void Schedule(TimeSpan delay)
        {
            var mine = ++ticket;
            speaker.cluster.Time.After(delay, () =>
            {
                if (mine == ticket && !speaker.dead && !speaker.Stopped)
                {
                    Run();
                }
            });
        }

        private void Run()
        {
            woken = false;
            Count();
            var wait = step();
            Schedule(wait > Least ? wait : Least);
            speaker.AfterStep();
        }

        // A deadline that is not met by what is done at it would keep a core busy. Where many start at once there is something new all the time.
        private void Count()
        {
            if (speaker.cluster.Now - window > TimeSpan.FromSeconds(1))
            {
                window = speaker.cluster.Now;
                steps = 0;
            }

            if (++steps > MostSteps * Math.Max(1, speaker.cluster.Nodes.Count / 50))
            {
                speaker.cluster.Watch.Violate($"the thread {name} of {speaker.node.Name} takes {steps} steps in {(speaker.cluster.Now - window).TotalMilliseconds:0} ms");
            }
        }
    }
}

/// <summary>An open packet socket.</summary>
internal sealed class SimulatedLink(Port port, LinkFacts facts, SimulatedWire wire) : IPacketLink
{
    private readonly Queue<byte[]> unread = [];

    public LinkFacts Facts => facts;

    public Port Port => port;

    public LinkRunner? Runner { get; set; }

    public bool Closed { get; private set; }

    public bool HasUnread => unread.Count > 0;

    public bool Send(ReadOnlySpan<byte> frame)
    {
        if (port.Host is SimulatedNode { SpeakerMute: true })
        {
            return true;
        }

        if (Closed || !port.Host.Powered || frame.Length > port.Mtu + EthernetFrame.HeaderLength)
        {
            return false;
        }

        wire.Send(port, frame);
        return true;
    }

    public string Receive(FrameHandler handler) => throw new NotSupportedException("frames are handed to the runner");

    public void Keep(byte[] frame, int most)
    {
        if (unread.Count < most)
        {
            unread.Enqueue(frame);
        }
    }

    public byte[]? Next() => !Closed && unread.TryDequeue(out var frame) ? frame : null;

    public void Dispose() => Closed = true;
}
