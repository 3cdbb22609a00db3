using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Core.Tests.Ownership.Simulation;

/// <summary>
/// One node of a simulated segment: a kernel that answers for the node's own address, and a speaker made of the very parts the program
/// has, driven by a virtual clock in place of its threads.
/// </summary>
internal sealed class SimulatedNode
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMilliseconds(50);
    private static readonly HeartbeatKeys Keys = new(HeartbeatKey.ForSimulation);

    private readonly SimulatedSegment segment;
    private readonly HeartbeatIdentity identity;
    private readonly Queue<Action> waiting = [];
    private readonly CheckTarget[] checks = new CheckTarget[32];
    private readonly List<OwnershipTransition> transitions = [];
    private readonly Dictionary<IpAddress, MacAddress> table = [];
    private Run? run;
    private TimeSpan startedAt;
    private bool leaving;
    private TimeSpan? leaveBy;

    public SimulatedNode(SimulatedSegment segment, int index)
    {
        this.segment = segment;
        Index = index;
        Name = $"n{index + 1}";
        Mac = new MacAddress(0x5254_0000_0000UL + (ulong)index + 1);
        Address = IpAddress.Parse($"192.168.96.{index + 11}");
        identity = new HeartbeatIdentity(Name, "eth0", [new IpPrefix(Address, 20)], []);
    }

    public int Index { get; }

    public string Name { get; }

    public MacAddress Mac { get; }

    public IpAddress Address { get; }

    /// <summary>Whether the machine runs: its kernel answers for its address.</summary>
    public bool Powered { get; set; } = true;

    public bool Carrier { get; private set; } = true;

    public bool Paused { get; private set; }

    public bool Excluded { get; set; }

    /// <summary>How long the speaker has been running.</summary>
    public TimeSpan RunsFor => segment.Now - startedAt;

    /// <summary>Whether it takes frames in and answers.</summary>
    public bool Works => Powered && Carrier && !Paused && run is not null;

    /// <summary>Identifies the next wake-up that counts.</summary>
    public long WakeTicket { get; private set; }

    /// <summary>The hardware address this node answers with, or null.</summary>
    public MacAddress? Answer(IpAddress vip) =>
        Works && !run!.Membership.Fenced && table.TryGetValue(vip, out var mac) ? mac : null;

    public OwnershipState StateOf(IpAddress vip) => run?.Ownership[vip] ?? default;

    public void StartSpeaker(ulong boot)
    {
        leaving = false;
        leaveBy = null;
        startedAt = segment.Now;
        Paused = false;
        waiting.Clear();
        table.Clear();
        run = new Run(this, boot, segment.Now);
        run.Membership.SetCarrier(Carrier, segment.Now);
        Wake();
    }

    public void KillSpeaker()
    {
        run = null;
        Paused = false;
        waiting.Clear();
        table.Clear();
        WakeTicket++;
    }

    /// <summary>SIGTERM: goes when somebody else answers.</summary>
    public void StopSpeaker()
    {
        if (run is not null)
        {
            leaving = true;
            leaveBy = segment.Now + TimeSpan.FromSeconds(1);
            Wake();
        }
    }

    public void Pause(bool paused)
    {
        if (run is null || paused == Paused)
        {
            return;
        }

        Paused = paused;
        if (!paused)
        {
            // The timer fires first or the frames are read first: both happen.
            if (segment.Random.Next(2) == 0)
            {
                Wake();
            }

            while (waiting.TryDequeue(out var action))
            {
                action();
            }

            Wake();
        }
    }

    public void SetCarrier(bool carrier)
    {
        Carrier = carrier;
        Wake();
    }

    public void FactsChanged() => Wake();

    public void Hear(byte[] frame)
    {
        if (!Powered || !Carrier || run is null)
        {
            return;
        }

        if (Paused)
        {
            if (waiting.Count < 500)
            {
                waiting.Enqueue(() => HearNow(frame));
            }

            return;
        }

        HearNow(frame);
    }

    public void HearKernel(MacAddress mac, IpAddress address)
    {
        if (!Powered || !Carrier || run is null)
        {
            return;
        }

        if (Paused)
        {
            waiting.Enqueue(() => HearKernelNow(mac, address));
            return;
        }

        HearKernelNow(mac, address);
    }

    /// <summary>What the two threads do when it is time.</summary>
    public void Wake()
    {
        if (run is null || Paused || !Powered)
        {
            return;
        }

        var now = segment.Now;
        var membership = run.Membership;
        membership.SetCarrier(Carrier, now);
        if (Carrier && !run.CarrierSeen)
        {
            run.Pulse.Introduce(now);
        }

        run.CarrierSeen = Carrier;
        membership.Leaving = leaving;
        var changed = membership.Advance(now);
        if (changed || run.FactsDirty || leaving || Excluded != run.ExcludedSeen || now >= run.NextPass)
        {
            if (changed)
            {
                run.Pulse.TellAll();
            }

            Decide(now);
        }

        Beat(now);
    }

    private void Beat(TimeSpan now)
    {
        if (run is null)
        {
            return;
        }

        var membership = run.Membership;
        var count = membership.Checks(now, checks);
        for (var i = 0; i < count; i++)
        {
            segment.Ask(this, checks[i]);
        }

        var next = run.Pulse.Beat(now, HeartbeatKey.ForSimulation, Mac, Interval);
        var deadline = membership.NextDeadline(now);
        next = deadline < next ? deadline : next;
        next = run.NextPass < next ? run.NextPass : next;
        var latest = now + LongestSleep;
        segment.WakeAt(this, next < latest ? (next > now ? next : now + TimeSpan.FromMilliseconds(1)) : latest, ++WakeTicket);
    }

    private void HearNow(byte[] frame)
    {
        if (run is null || HeartbeatDecoder.Decode(frame, Mac, Keys, out var decoded) != HeartbeatRefusal.None)
        {
            return;
        }

        var result = run.Membership.Hear(decoded, segment.Now, run.Sequence.Last);
        segment.Trace(this, decoded, result);
        if (result.AnswerNow)
        {
            run.Pulse.AnswerNewcomer();
        }

        run.FactsDirty |= result.Changed;
        if (!Paused && (result.AnswerNow || result.Changed))
        {
            Wake();
        }
    }

    private void HearKernelNow(MacAddress mac, IpAddress address)
    {
        if (run is not null && run.Membership.HearKernel(mac, address, segment.Now))
        {
            run.FactsDirty = true;
            Wake();
        }
    }

    private void Decide(TimeSpan now)
    {
        var membership = run!.Membership;
        run.FactsDirty = false;
        run.ExcludedSeen = Excluded;
        var view = membership.View(now, []);
        var election = new SegmentElection(run.Orders, view, segment.FactsOf);
        transitions.Clear();
        var vips = Carrier ? segment.Vips : SimulatedSegment.NoVips;
        var deadline = run.Ownership.Decide(vips, election, view, leaveBy, now, transitions);
        foreach (var (vip, action, before, after) in transitions)
        {
            segment.Note(this, vip, action, before, after);
            if (SegmentOwnership.ClaimOf(vip, after, Name) is { } claim)
            {
                membership.Claim(claim);
            }

            if (after.Answers)
            {
                table[vip] = after.Phase == OwnershipPhase.Deputy ? after.Mac : Mac;
            }
            else
            {
                table.Remove(vip);
            }
        }

        membership.Serving = Carrier && (membership.Serving || view.MayServe);
        run.NextPass = deadline ?? TimeSpan.MaxValue;
        if (leaving && (table.Count == 0 || now >= leaveBy))
        {
            // Its last words: the claims are taken back before it is gone.
            run.Pulse.Beat(now, HeartbeatKey.ForSimulation, Mac, Interval);
            KillSpeaker();
        }

        segment.Changed();
    }

    /// <summary>One run of the speaker.</summary>
    private sealed class Run
    {
        public Run(SimulatedNode node, ulong boot, TimeSpan now)
        {
            Membership = new SegmentMembership(SimulatedSegment.Timings, node.identity, boot, now) { Ready = true };
            Pulse = new SegmentPulse(Membership, boot, Sequence, 16, now, frame => node.segment.Send(node, frame));
            CarrierSeen = node.Carrier;
        }

        public SequenceCounter Sequence { get; } = new();

        public SegmentMembership Membership { get; }

        public SegmentPulse Pulse { get; }

        public ElectionOrders Orders { get; } = new();

        public SegmentOwnership Ownership { get; } = new();

        public bool CarrierSeen { get; set; }

        public bool ExcludedSeen { get; set; }

        public bool FactsDirty { get; set; } = true;

        public TimeSpan NextPass { get; set; } = TimeSpan.MaxValue;
    }
}
