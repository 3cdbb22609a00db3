using System.Collections.Immutable;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Membership;

/// <summary>
/// Membership on all links of the node. Frames come in on the links' threads; <see cref="Beat"/> is called by one thread, which
/// <see cref="Wake"/> wakes. Neither the API server nor the garbage of the rest of the program is on this path.
/// </summary>
public sealed class Heartbeats
{
    // Often enough to tell a stall of this process from the silence of a peer, and to move the time until which the links may answer; more often
    // while anything is not as it should be.
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan UneasySleep = TimeSpan.FromMilliseconds(50);

    // More links than a node has; a machine whose interfaces get a new name each time must not fill the memory.
    private const int MostFormer = 64;

    private readonly SpeakerIdentity identity;
    private readonly MembershipTimings timings;
    private readonly TimeSpan interval;
    private readonly MonotonicClock clock;
    private readonly WakeUp changed;
    private readonly Lock formerGate = new();
    private readonly List<Segment> former = [];
    private ImmutableArray<Segment> segments = [];
    private volatile HeartbeatKeys? keys;
    private volatile int standing;
    private volatile IReadOnlyList<IpAddress> gateways = [];
    private int stalls;
    private ImmutableArray<(Segment Segment, IReadOnlyList<IpPrefix> Prefixes, IReadOnlyList<IpPrefix> Others)> prefixes = [];

    /// <summary>Heartbeats of a node without links yet.</summary>
    /// <param name="identity">Which speaker this is.</param>
    /// <param name="timings">The waiting times.</param>
    /// <param name="interval">Between heartbeats, above zero; longer with many peers.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="changed">Signalled when somebody came, went or changed: ownership is to be decided anew.</param>
    public Heartbeats(SpeakerIdentity identity, MembershipTimings timings, TimeSpan interval, MonotonicClock clock, WakeUp changed)
    {
        this.identity = identity;
        this.timings = timings;
        this.interval = interval;
        this.clock = clock;
        this.changed = changed;
    }

    /// <summary>Raised after <see cref="Standing"/> changed, on the thread that changed it: handlers only set a flag.</summary>
    public event Action? StandingChanged;

    /// <summary>Signalled when <see cref="Beat"/> has something to do before its time.</summary>
    public WakeUp Wake { get; } = new();

    /// <summary>The links, an immutable snapshot.</summary>
    public ImmutableArray<Segment> Segments => segments;

    /// <summary>The keys in force; without any nothing is sent, heard or owned.</summary>
    public HeartbeatKeys? Keys
    {
        get => keys;
        set
        {
            keys = value;
            Wake.Signal();
        }
    }

    /// <summary>The state of the program as peers are told.</summary>
    public Standing Standing => new((standing & 1) != 0, (standing & 2) != 0);

    /// <summary>Says whether the program is fit to own VIPs.</summary>
    public void SetReady(bool ready)
    {
        if (ready != Standing.Ready)
        {
            standing = ready ? standing | 1 : standing & ~1;
            SpeakerMetrics.Ready.Set(ready ? 1 : 0);
            Wake.Signal();
            StandingChanged?.Invoke();
        }
    }

    /// <summary>Tells the peers that this node is about to stop.</summary>
    public void Leave()
    {
        standing |= 2;
        Wake.Signal();
    }

    /// <summary>The routers this node sends through: witnesses of what a link hears. From any thread.</summary>
    public IReadOnlyList<IpAddress> Gateways
    {
        get => gateways;
        set => gateways = value;
    }

    /// <summary>Whether any peer is alive on the wire.</summary>
    public bool HasPeers => segments.Any(segment => segment.AliveCount > 0);

    /// <summary>Whether on some link peers were heard a moment ago that cannot be understood, for want of a key, and none that can.</summary>
    public bool UnderstandsNobody
    {
        get
        {
            var now = clock.Now;
            foreach (var segment in segments)
            {
                if (segment.UnderstandsNobody(now))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>This node's name.</summary>
    public string Node => identity.Node;

    /// <summary>A link was opened. What a closed one of the same name, or with the same address, knew of the segment is not forgotten.</summary>
    public Segment Add(ISegmentLink link)
    {
        var segment = new Segment(link, identity, timings, clock.Now, FormerOf(link.Facts));
        ImmutableInterlocked.Update(ref segments, list => [.. list.Add(segment).OrderBy(s => s.Name, StringComparer.Ordinal)]);
        Wake.Signal();
        changed.Signal();
        return segment;
    }

    /// <summary>A link is gone.</summary>
    public void Remove(Segment segment)
    {
        ImmutableInterlocked.Update(ref segments, list => list.Remove(segment));
        lock (formerGate)
        {
            former.RemoveAll(other => other.Name == segment.Name);
            former.Add(segment);
            former.RemoveRange(0, Math.Max(0, former.Count - MostFormer));
        }

        Wake.Signal();
        changed.Signal();
    }

    private Segment? FormerOf(LinkFacts facts)
    {
        lock (formerGate)
        {
            var found = former.Find(segment => segment.Name == facts.Name)
                ?? former.Find(segment => segment.Link.Facts.Prefixes.Any(prefix => facts.Prefixes.Contains(prefix)));
            if (found is not null)
            {
                former.Remove(found);
            }

            return found;
        }
    }

    /// <summary>Takes a frame of the heartbeat protocol in, on the link's thread. Allocates nothing for a known peer.</summary>
    public HeartbeatRefusal Hear(Segment segment, ReadOnlySpan<byte> frame)
    {
        if (keys is not { } inForce)
        {
            return HeartbeatRefusal.ForeignCluster;
        }

        var result = segment.Hear(frame, inForce, clock.Now);
        SpeakerMetrics.CountReceived(result.Refusal);
        if (result.AnswerNow)
        {
            Wake.Signal();
        }

        if (result.Changed)
        {
            changed.Signal();
        }

        return result.Refusal;
    }

    /// <summary>Takes in that a host says on a link that it has an address, on the link's thread.</summary>
    public void HearKernel(Segment segment, MacAddress mac, IpAddress address, bool answers = true)
    {
        if (segment.HearKernel(mac, address, clock.Now, answers))
        {
            changed.Signal();
        }

        segment.HearAnswer(mac, address);
    }

    /// <summary>Lets time pass on all links and sends what is due.</summary>
    /// <returns>How long to sleep at most before the next call.</returns>
    public TimeSpan Beat()
    {
        var now = clock.Now;
        if (keys is not { } inForce)
        {
            return LongestSleep;
        }

        var links = segments;
        FollowPrefixes(links);
        var next = now + LongestSleep;
        var stallsSeen = 0;
        for (var i = 0; i < links.Length; i++)
        {
            var (segmentChanged, due) = links[i].Beat(
                now, inForce.Signing, HeartbeatSchedule.HeartbeatInterval(interval, links[i].NearCount), Standing, prefixes[i].Others, Gateways);
            next = due < next ? due : next;
            next = links[i].IsUneasy && now + UneasySleep < next ? now + UneasySleep : next;
            stallsSeen = Math.Max(stallsSeen, links[i].Stalls);
            if (segmentChanged)
            {
                changed.Signal();
            }
        }

        if (stallsSeen > stalls)
        {
            SpeakerMetrics.Stalls.Inc(stallsSeen - stalls);
        }

        stalls = stallsSeen;
        return next - now;
    }

    // Each link tells the addresses of the others; worked out anew only when one of them changed.
    private void FollowPrefixes(ImmutableArray<Segment> links)
    {
        var same = prefixes.Length == links.Length;
        for (var i = 0; same && i < links.Length; i++)
        {
            same = prefixes[i].Segment == links[i] && ReferenceEquals(prefixes[i].Prefixes, links[i].Link.Facts.Prefixes);
        }

        if (!same)
        {
            prefixes =
            [
                .. links.Select(segment => (segment, segment.Link.Facts.Prefixes, (IReadOnlyList<IpPrefix>)
                    [.. links.Where(other => other != segment).SelectMany(other => other.Link.Facts.Prefixes)])),
            ];
        }
    }
}
