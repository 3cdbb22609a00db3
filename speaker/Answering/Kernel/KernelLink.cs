using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using static LoadBalancer.Speaker.Answering.Kernel.KernelMaps;

namespace LoadBalancer.Speaker.Answering.Kernel;

/// <summary>
/// What the kernel answers and sends on for one link. The heartbeat thread moves the fence, the ownership thread says what is answered, the
/// link's thread asks whether the kernel did.
/// </summary>
/// <remarks>
/// What a former run left goes on answering until this one knows what is its own (<see cref="Serve"/>): a speaker that starts again must not
/// silence what its kernel answers meanwhile. A call that the kernel refuses ends the kernel's part for the link, with its fence in the past.
/// </remarks>
public sealed class KernelLink
{
    private static readonly IReadOnlyDictionary<IpAddress, MacAddress> Nothing = new Dictionary<IpAddress, MacAddress>();

    // In the past, whatever the time is.
    private const long Never = 1;

    // Whoever left looks to the program as if it had not been heard for a while.
    private const long LongAgo = 1_000_000_000;

    private readonly KernelProgram program;
    private readonly int index;
    private readonly uint slot;
    private readonly long keepFor;
    private readonly Func<int, bool> filterBy;
    private readonly Lock gate = new();
    private readonly Dictionary<IpAddress, MacAddress> filled = [];
    private readonly HashSet<MacAddress> peers = [];
    private IReadOnlyDictionary<IpAddress, MacAddress> formers = Nothing;
    private AnswerTable table = AnswerTable.Empty;
    private LinkState state;
    private uint programId;
    private volatile bool serves;
    private readonly Wants always;
    private bool left;
    private bool knowsPools;
    private Wants wants = Wants.All;
    private long floor;
    private long seen;
    private long credit;

    /// <param name="program">The program.</param>
    /// <param name="index">The interface.</param>
    /// <param name="slot">Its counters.</param>
    /// <param name="keepFor">How long segments are sent on without a speaker, in nanoseconds: the node stays the owner meanwhile.</param>
    /// <param name="filterBy">Puts a program in the place of the filter of the link's socket.</param>
    /// <param name="isPromiscuous">Whether the link hands over frames to other hosts.</param>
    internal KernelLink(KernelProgram program, int index, uint slot, long keepFor, Func<int, bool> filterBy, bool isPromiscuous)
    {
        this.keepFor = keepFor;
        this.filterBy = filterBy;
        always = isPromiscuous ? Wants.NotOthers : Wants.None;
        this.program = program;
        this.index = index;
        this.slot = slot;
        state = new LinkState { Slot = slot, Until = Never, Wants = Wants.All | always };
        formers = program.FormersOf(index);
    }

    /// <summary>Why the kernel does nothing for the link although it could; null while it does, or has not begun.</summary>
    internal string? Problem { get; private set; }

    /// <summary>Whether the program is attached and has a fence.</summary>
    internal bool IsActive => serves && Problem is null;

    /// <summary>The counters.</summary>
    internal Counts Counts => program.CountsOf(slot);

    /// <summary>What the process did not see.</summary>
    internal Hidden Hidden => program.HiddenOf(slot);

    /// <summary>How many frames came in that the process did not see.</summary>
    internal long HiddenFrames
    {
        get
        {
            ref var counts = ref program.HiddenOf(slot);
            return Volatile.Read(ref counts.Foreign) + Volatile.Read(ref counts.Answered);
        }
    }

    /// <summary>When an address was last asked for by a request that the process did not see, in nanoseconds of the boot clock; 0 if it was not.</summary>
    internal long AskedAt(IpAddress vip) => program.AskedAt(index, vip);

    /// <summary>What is not to be hidden from the process.</summary>
    /// <param name="everything">Everything: it is in doubt about somebody.</param>
    /// <param name="strangers">Now and then a host that does not concern it.</param>
    internal void Need(bool everything, bool strangers)
    {
        var wanted = everything ? Wants.All : strangers ? Wants.Strangers : Wants.None;
        if (wanted != wants)
        {
            lock (gate)
            {
                wants = wanted;
                Want_NeedsLock();
            }
        }
    }

    /// <summary>The program knows the pools, so that it can tell what concerns nobody; or it does not.</summary>
    internal void KnowPools(bool known)
    {
        lock (gate)
        {
            knowsPools = known;
            Want_NeedsLock();
        }
    }

    /// <summary>The former owners that segments are sent on to, by address.</summary>
    internal IReadOnlyDictionary<IpAddress, MacAddress> Formers => formers;

    /// <summary>Whether the segments of older connections of an address are sent on to a former owner that lives.</summary>
    internal bool Keeps(IpAddress vip) => IsActive && formers.GetValueOrDefault(vip).Value != 0;

    /// <summary>
    /// Whether the kernel answered one request that the caller has in hand: there was an answer that nobody has accounted for yet. An answer
    /// too few accounted for means that a request is answered twice, with the same words; one too many is forgotten within a second.
    /// On the link's thread.
    /// </summary>
    internal bool Answered()
    {
        if (!serves)
        {
            return false;
        }

        var since = Volatile.Read(ref floor);
        if (seen < since)
        {
            seen = since;
            credit = 0;
        }

        var answered = AnsweredInSight();
        credit += Math.Max(0, answered - seen);
        seen = Math.Max(seen, answered);
        if (credit == 0)
        {
            return false;
        }

        credit--;
        return true;
    }

    /// <summary>This run knows what is its own: its program takes the place of the former run's.</summary>
    internal void Serve()
    {
        lock (gate)
        {
            if (!serves && !left)
            {
                Attach_NeedsLock();
            }
        }
    }

    /// <summary>What is answered from now on. What is in it no more is not answered any more when this has returned.</summary>
    internal void Answer(AnswerTable answers)
    {
        lock (gate)
        {
            table = answers;
            if (serves && !left)
            {
                Fill_NeedsLock(answers.All);
            }
        }
    }

    /// <summary>Moves the fence.</summary>
    /// <param name="mac">The link's hardware address.</param>
    /// <param name="until">No answer from then on, in nanoseconds of the boot clock.</param>
    /// <param name="now">The time at which that was decided.</param>
    internal void AnswerUntil(MacAddress mac, long until, long now)
    {
        lock (gate)
        {
            if (!left)
            {
                state = state with { Mac = mac.Value, Until = Math.Max(Never, until), Beat = now, Kept = now + keepFor };
                Say_NeedsLock();
            }
        }
    }

    /// <summary>The speakers whose frames prove that this link hears, and that may have sent a segment on.</summary>
    internal void Follow(IReadOnlyCollection<MacAddress> macs)
    {
        lock (gate)
        {
            if (!serves || left || peers.SetEquals(macs))
            {
                return;
            }

            foreach (var gone in peers.Where(mac => !macs.Contains(mac)).ToList())
            {
                peers.Remove(gone);
                Check_NeedsLock(program.RemovePeer(index, gone));
            }

            foreach (var mac in macs.Where(peers.Add))
            {
                Check_NeedsLock(program.SetPeer(index, mac));
            }

            state = state with { Peers = (uint)peers.Count };
            Say_NeedsLock();
        }
    }

    /// <summary>To whom segments of connections that did not begin here are sent on; zero: they are answered with a reset.</summary>
    internal void SendOn(IReadOnlyDictionary<IpAddress, MacAddress> owners)
    {
        lock (gate)
        {
            if (!serves || left)
            {
                return;
            }

            foreach (var (vip, _) in formers.Where(entry => !owners.ContainsKey(entry.Key)))
            {
                Check_NeedsLock(program.RemoveFormer(index, vip));
            }

            foreach (var (vip, mac) in owners.Where(entry => !formers.TryGetValue(entry.Key, out var mac) || mac != entry.Value))
            {
                Check_NeedsLock(program.SetFormer(index, vip, mac));
            }

            formers = owners;
        }
    }

    /// <summary>
    /// This node's speaker leaves, the node stays: the kernel answers for these, and no others, with the link's own address until the fence,
    /// unless another is heard to have them or the other speakers are not heard any more. What follows only takes away.
    /// </summary>
    /// <param name="vips">What remains this node's.</param>
    /// <param name="until">No answer from then on.</param>
    /// <param name="now">The time of the decision. A link that may not answer now gets no time.</param>
    internal void Leave(IReadOnlyCollection<IpAddress> vips, long until, long now)
    {
        lock (gate)
        {
            if (!serves)
            {
                return;
            }

            if (!left)
            {
                left = true;
                var mac = new MacAddress(state.Mac);
                Fill_NeedsLock(vips.Where(vip => filled.GetValueOrDefault(vip) == mac).Select(vip => KeyValuePair.Create(vip, mac)).ToList());
                state = state with { Wants = Wants.All | always, Until = state.Until > now ? Math.Max(state.Until, until) : Never, Beat = now - LongAgo };
                Say_NeedsLock();
                return;
            }

            foreach (var vip in filled.Keys.Where(vip => !vips.Contains(vip)).ToList())
            {
                Remove_NeedsLock(vip);
            }
        }
    }

    /// <summary>Looks whether the program is still where it was put. Called once a second.</summary>
    internal void Look()
    {
        lock (gate)
        {
            Volatile.Write(ref floor, AnsweredInSight());
            if (!serves || left || Problem is not null)
            {
                return;
            }

            var found = KernelProgram.Attached(index);
            if (found == 0)
            {
                Attach_NeedsLock();
            }
            else if (found != programId)
            {
                Fail_NeedsLock("another program is in its place, as with two speakers on one node");
            }
        }
    }

    /// <summary>The link is gone, or is to be without the kernel's part: nothing is answered from now on.</summary>
    internal void Close()
    {
        lock (gate)
        {
            serves = false;
            _ = program.RemoveLink(index);
            if (!left && programId != 0 && KernelProgram.Attached(index) == programId)
            {
                _ = KernelProgram.Detach(index);
            }
        }
    }

    private void Attach_NeedsLock()
    {
        Problem = null;
        Fill_NeedsLock(table.All);
        Say_NeedsLock();
        if (Problem is null && program.Attach(index) is var result and < 0)
        {
            // What a former run left must not outlive that this one has taken over.
            _ = KernelProgram.Detach(index);
            Fail_NeedsLock($"it cannot be attached: {Text(result)}");
        }

        programId = KernelProgram.Attached(index);
        if (Problem is null)
        {
            // Where it cannot be put the classic filter stays, and everything is seen as without it.
            _ = filterBy(program.Filter);
        }

        serves = true;
    }

    // Answers to requests that the process sees: what is hidden has not to be accounted for.
    private long AnsweredInSight()
    {
        ref var counts = ref program.CountsOf(slot);
        return Volatile.Read(ref counts.Arp) + Volatile.Read(ref counts.Ndp) - Volatile.Read(ref program.HiddenOf(slot).Answered);
    }

    private void Want_NeedsLock()
    {
        var wanted = (knowsPools ? wants : Wants.All) | always;
        if (!left && wanted != state.Wants)
        {
            state = state with { Wants = wanted };
            Say_NeedsLock();
        }
    }

    private void Fill_NeedsLock(IEnumerable<KeyValuePair<IpAddress, MacAddress>> answers)
    {
        var wanted = answers.ToDictionary();
        foreach (var vip in filled.Keys.Where(vip => !wanted.ContainsKey(vip)).ToList())
        {
            Remove_NeedsLock(vip);
        }

        foreach (var (vip, mac) in wanted)
        {
            if (filled.GetValueOrDefault(vip) != mac)
            {
                filled[vip] = mac;
                Check_NeedsLock(program.SetVip(index, vip, mac));
            }
        }
    }

    private void Remove_NeedsLock(IpAddress vip)
    {
        filled.Remove(vip);
        Check_NeedsLock(program.RemoveVip(index, vip));
    }

    private void Say_NeedsLock()
    {
        if (Problem is null)
        {
            Check_NeedsLock(program.SetLink(index, state));
        }
    }

    private void Check_NeedsLock(int result)
    {
        if (result < 0 && Problem is null)
        {
            Fail_NeedsLock($"the kernel refuses a change: {Text(result)}");
        }
    }

    private void Fail_NeedsLock(string problem)
    {
        Problem = problem;
        _ = program.RemoveLink(index);
    }

    private static string Text(int error) => System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(-error);
}
