using System.Text;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Membership;

/// <summary>
/// One link's side of membership: hears on the link's thread, speaks on the heartbeat thread, is looked at by the ownership thread.
/// </summary>
public sealed partial class Segment
{
    // Longer than a busy machine makes a thread wait, no longer than the peers take to notice.
    private static readonly TimeSpan AnswerFor = TimeSpan.FromMilliseconds(500);

    // A few hellos of the other link.
    private static readonly TimeSpan SiblingFor = TimeSpan.FromSeconds(5);

    private const int MostMet = 4;

    private const int ClaimSlice = 64;

    private readonly Lock gate = new();
    private readonly CheckTarget[] checks = new CheckTarget[64];
    private readonly SegmentMembership membership;
    private readonly SegmentPulse pulse;
    private readonly SpeakerIdentity identity;
    private LinkFacts factsSeen;
    private volatile SegmentView? lastView;
    private IReadOnlyList<IpPrefix> othersSeen = [];
    private readonly Dictionary<string, TimeSpan> siblings = new(StringComparer.Ordinal);
    private volatile bool checking;

    // How many more hosts may be met as witnesses until the next beat: a flood of ARP must not wait for the lock.
    private volatile int meets;

    // Without a key nothing can be heard or said: the time to listen begins with the first beat.
    private bool listens;

    /// <summary>A segment that starts to listen with its first beat.</summary>
    /// <param name="link">The link.</param>
    /// <param name="identity">Which speaker this is.</param>
    /// <param name="timings">The waiting times.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="former">The same segment before its link was closed, if it was known already.</param>
    public Segment(ISegmentLink link, SpeakerIdentity identity, MembershipTimings timings, TimeSpan now, Segment? former = null)
    {
        Link = link;
        this.identity = identity;
        factsSeen = link.Facts;
        membership = new SegmentMembership(timings, IdentityOn(factsSeen, []), identity.Boot, now, identity.Sequence.Last);
        if (former is not null)
        {
            AnnouncedAs = former.AnnouncedAs;
            lock (former.gate)
            {
                membership.Remember(former.membership, now);
            }
        }

        membership.SetCarrier(factsSeen.Carrier, now);
        pulse = new SegmentPulse(membership, identity.Boot, identity.Sequence, timings.MaxPeers, now, Send) { Mtu = factsSeen.Mtu };
    }

    /// <summary>The link.</summary>
    public ISegmentLink Link { get; }

    /// <summary>The interface's name.</summary>
    public string Name => factsSeen.Name;

    /// <summary>Who owns what on the segment; for the ownership thread only.</summary>
    public SegmentOwnership Ownership { get; } = new();

    /// <summary>Where the connections of addresses are that moved here; for the ownership thread only.</summary>
    public FormerOwners Formers { get; } = new();

    /// <summary>Whether what the former run left in the kernel was looked at; for the ownership thread only.</summary>
    public bool FormersAdopted { get; set; }

    /// <summary>Whether the kernel was asked which connections are this node's; for the ownership thread only.</summary>
    public bool ConnectionsAdopted { get; set; }

    /// <summary>Which addresses hosts ask for; written by the link's thread.</summary>
    public RecentQuestions Questions { get; } = new();

    /// <summary>When an address was last asked for, in tenths of a second; 0 if nobody is known to have done so. For the ownership thread only.</summary>
    public uint LastAsked(IpAddress vip) =>
        Math.Max(Questions.LastAsked(vip), Link.AskedAt(vip) is { } at ? RecentQuestions.TenthsAt(at) : 0);

    /// <summary>Who was alive when ownership was last decided; null before. From any thread.</summary>
    public SegmentView? LastView
    {
        get => lastView;
        internal set => lastView = value;
    }

    /// <summary>When the VIPs this node is deputy for are announced again; for the ownership thread only.</summary>
    public TimeSpan RepeatAt { get; set; }

    /// <summary>The hardware address by which the hosts of the segment know what this node owns; default before it owned anything. For the ownership thread only.</summary>
    public MacAddress AnnouncedAs { get; set; }

    /// <summary>When a VIP may next be given away to the node that is first in its order; for the ownership thread only.</summary>
    public TimeSpan RebalanceAt { get; set; }

    /// <summary>Whether this node answers for what is its own on the segment.</summary>
    public bool Serving => membership.Serving;

    /// <summary>The peers alive on the wire.</summary>
    public int AliveCount => membership.AliveCount;

    /// <summary>The peers that get heartbeats in a close series.</summary>
    public int NearCount => membership.NearCount;

    /// <summary>The stalls of this process noticed so far.</summary>
    public int Stalls => membership.Stalls;

    /// <summary>Whether something was not as it should be at the last beat, so that the next is to come soon.</summary>
    public bool IsUneasy { get; private set; }

    /// <summary>Takes a received frame in.</summary>
    public HearResult Hear(ReadOnlySpan<byte> bytes, HeartbeatKeys keys, TimeSpan now)
    {
        var refusal = HeartbeatDecoder.Decode(bytes, factsSeen.Mac, keys, out var frame);
        if (refusal == HeartbeatRefusal.ForeignCluster)
        {
            HearForeign(bytes, now);
        }

        if (refusal != HeartbeatRefusal.None)
        {
            return new HearResult(refusal);
        }

        lock (gate)
        {
            var result = membership.Hear(frame, now, identity.Sequence.Last);
            if (result.AnswerNow)
            {
                pulse.AnswerNewcomer();
            }

            return result.Refusal == HeartbeatRefusal.OwnFrame ? result with { Changed = NoteOwnFrame(frame, now) } : result;
        }
    }

    /// <summary>Whether a peer was heard a moment ago that cannot be understood, for want of a key, and none that can.</summary>
    public bool UnderstandsNobody(TimeSpan now)
    {
        lock (gate)
        {
            return membership.UnderstandsNobody(now);
        }
    }

    private void HearForeign(ReadOnlySpan<byte> bytes, TimeSpan now)
    {
        lock (gate)
        {
            membership.HearForeign(MacAddress.Read(bytes[MacAddress.Size..]), now);
        }
    }

    /// <summary>
    /// Takes in that a host says it has an address: if it is the address of a peer whose speaker is silent, the node lives.
    /// </summary>
    /// <returns>Whether the view changed.</returns>
    public bool HearKernel(MacAddress mac, IpAddress address, TimeSpan now, bool answers)
    {
        if (!checking && meets == 0)
        {
            return false;
        }

        meets = Math.Max(0, meets - 1);
        lock (gate)
        {
            return membership.HearKernel(mac, address, now, answers);
        }
    }

    /// <summary>Whether another link of this node is on the same wire: its frames are heard here, or the kernel says so.</summary>
    public bool SharesWireWith(Segment other, TimeSpan now)
    {
        if (Link.Facts.Wire == other.Link.Facts.Wire)
        {
            return true;
        }

        lock (gate)
        {
            return siblings.TryGetValue(other.Name, out var heardAt) && now - heardAt < SiblingFor;
        }
    }

    /// <summary>Says what this node claims from now on.</summary>
    /// <param name="transitions">What changed.</param>
    /// <param name="serves">Whether this node knows all that is its own: its peers may rely on what it claims.</param>
    public void Claim(IReadOnlyList<OwnershipTransition> transitions, bool serves)
    {
        // In slices: the link's thread must not wait for a thousand of them with its next answer.
        for (var i = 0; i < transitions.Count; i += ClaimSlice)
        {
            lock (gate)
            {
                for (var j = i; j < Math.Min(i + ClaimSlice, transitions.Count); j++)
                {
                    if (SegmentOwnership.ClaimOf(transitions[j].Vip, transitions[j].After, identity.Node) is { } claim)
                    {
                        membership.Claim(claim);
                    }
                }
            }
        }

        var begins = false;
        lock (gate)
        {
            if (serves && !membership.Serving)
            {
                membership.Serving = true;
                begins = membership.Serving;
                pulse.TellAll();
            }
        }

        if (begins)
        {
            Link.Serve();
        }
    }

    /// <summary>Lets time pass and says what is due.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="key">Signs.</param>
    /// <param name="interval">Between heartbeats.</param>
    /// <param name="standing">The state of the program.</param>
    /// <param name="otherPrefixes">The addresses of the node's other links.</param>
    /// <param name="gateways">The routers this node sends through, on whatever link.</param>
    /// <returns>Whether the view changed, and when to call again.</returns>
    public (bool Changed, TimeSpan Next) Beat(
        TimeSpan now, HeartbeatKey key, TimeSpan interval, Standing standing, IReadOnlyList<IpPrefix> otherPrefixes,
        IReadOnlyList<IpAddress> gateways)
    {
        var (changed, next) = Look(now, interval, standing, otherPrefixes, gateways, out var questions, out var answerUntil);
        Link.AnswerUntil(answerUntil);
        for (var i = 0; i < questions; i++)
        {
            Link.Ask(checks[i]);
        }

        if (!pulse.Send(key))
        {
            lock (gate)
            {
                pulse.TakeBack();
            }

            var again = now + SegmentPulse.ClaimPace;
            next = again < next ? again : next;
        }

        return (changed, next);
    }

    // What is to be said is collected under the lock; it is signed and sent without it, and the kernel is told without it for how long the link
    // may answer, since the link's thread needs it for its next answer.
    private (bool Changed, TimeSpan Next) Look(
        TimeSpan now, TimeSpan interval, Standing standing, IReadOnlyList<IpPrefix> otherPrefixes, IReadOnlyList<IpAddress> gateways, out int questions,
        out TimeSpan answerUntil)
    {
        lock (gate)
        {
            if (!listens)
            {
                listens = true;
                membership.Listen(now);
                pulse.Introduce(now);
            }

            var changed = Follow(now, otherPrefixes);
            membership.Ready = standing.Ready;
            membership.Leaving = standing.Leaving;
            membership.Gateways = gateways;
            if (membership.Advance(now, Link.HasUnread, Link.Arrivals))
            {
                changed = true;
            }

            if (changed)
            {
                pulse.TellAll();
            }

            answerUntil = membership.Fenced ? TimeSpan.Zero : now + AnswerFor;
            questions = membership.Checks(now, checks);
            checking = membership.Checking;
            meets = membership.WantsWitness(now) ? MostMet : 0;
            Link.Need(everything: membership.AsksPeers || membership.Fenced || membership.StandsDown, strangers: meets > 0);
            var next = pulse.Collect(now, factsSeen.Mac, interval);
            var deadline = membership.NextDeadline(now);
            IsUneasy = membership.IsUneasy(now);
            return (changed, deadline < next ? deadline : next);
        }
    }

    /// <summary>Who is alive.</summary>
    public SegmentView View(TimeSpan now, IReadOnlyList<SegmentMember> fromLeases)
    {
        lock (gate)
        {
            var view = membership.View(now, fromLeases);
            return listens ? view : view with { MayAct = false, MayServe = false };
        }
    }

    /// <summary>Who is gone from the segment, and whether the peers see the same.</summary>
    public SegmentLosses Losses(TimeSpan now)
    {
        lock (gate)
        {
            return membership.LossesAt(now);
        }
    }

    // A frame this node sent on another link: both are on one segment, and one answering is enough.
    private bool NoteOwnFrame(in HeartbeatFrame frame, TimeSpan now)
    {
        foreach (var (name, heardAt) in siblings)
        {
            if (Ascii.Equals(frame.Link, name))
            {
                siblings[name] = now;
                return now - heardAt >= SiblingFor;
            }
        }

        siblings[Encoding.ASCII.GetString(frame.Link)] = now;
        return true;
    }

    private bool Follow(TimeSpan now, IReadOnlyList<IpPrefix> otherPrefixes)
    {
        var facts = Link.Facts;
        if (ReferenceEquals(facts, factsSeen) && ReferenceEquals(otherPrefixes, othersSeen))
        {
            return false;
        }

        if (facts.Carrier && !factsSeen.Carrier)
        {
            pulse.Introduce(now);
        }

        factsSeen = facts;
        othersSeen = otherPrefixes;
        membership.SetCarrier(facts.Carrier, now);
        membership.Identity = IdentityOn(facts, otherPrefixes);
        pulse.Mtu = facts.Mtu;
        return true;
    }

    private HeartbeatIdentity IdentityOn(LinkFacts facts, IReadOnlyList<IpPrefix> otherPrefixes) =>
        new(identity.Node, facts.Name, facts.Prefixes, otherPrefixes, facts.Mtu);

    private bool Send(ReadOnlySpan<byte> frame)
    {
        var sent = Link.Send(frame);
        (sent ? SpeakerMetrics.HeartbeatsSent : SpeakerMetrics.HeartbeatsNotSent).Inc();
        return sent;
    }
}

/// <summary>The state of the program as its peers need to know it.</summary>
/// <param name="Ready">Whether it may own VIPs.</param>
/// <param name="Leaving">Whether it is shutting down.</param>
public readonly record struct Standing(bool Ready, bool Leaving);
