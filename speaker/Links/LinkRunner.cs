using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Answering;
using LoadBalancer.Speaker.Answering.Kernel;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Links;

/// <summary>Takes the frames of other speakers (EtherType 0x88B5).</summary>
public interface IPeerFrameSink
{
    /// <summary>
    /// One frame, from the Ethernet destination on, valid during the call only. Called on the link's thread, in front of the next
    /// answer: allocates nothing and waits for nothing.
    /// </summary>
    void OnPeerFrame(LinkRunner link, ReadOnlySpan<byte> frame);
}

/// <summary>Hears what others say in ARP and NDP: rivals, peers and strangers.</summary>
public interface INeighborObserver
{
    /// <summary>
    /// One well-formed packet by somebody else, whether it was answered or not. Called on the link's thread after the answer has
    /// gone out, for every ARP packet on the segment: the common case must cost one look-up.
    /// </summary>
    void OnArp(LinkRunner link, in ArpPacket packet);

    /// <summary>
    /// One valid solicitation or advertisement by somebody else, under the same terms. Only those sent to this link, to all nodes or to
    /// a group that some program of this node is in arrive.
    /// </summary>
    void OnNdp(LinkRunner link, in NdpPacket packet);
}

/// <summary>One open link and the thread that answers on it.</summary>
public sealed class LinkRunner : IDisposable
{
    private readonly IPacketLink link;
    private readonly FrameAnswerer answerer;
    private readonly Action<LinkRunner, string> ended;
    private Thread? thread;
    private volatile LinkFacts facts;
    private volatile AnswerTable table = AnswerTable.Empty;
    private volatile bool closed;
    private long answerUntil;

    /// <summary>A runner that owns <paramref name="link"/>; it answers nothing until a table is set, and hears nothing until started.</summary>
    /// <param name="link">The open link.</param>
    /// <param name="peers">Takes the peers' frames.</param>
    /// <param name="observer">Hears others' ARP and NDP; null for nobody.</param>
    /// <param name="ended">Called on the link's thread with the reason when it stops receiving, disposed or not.</param>
    public LinkRunner(IPacketLink link, IPeerFrameSink peers, INeighborObserver? observer, Action<LinkRunner, string> ended)
    {
        this.link = link;
        this.ended = ended;
        facts = link.Facts;
        answerer = new FrameAnswerer(this, peers, observer);
    }

    /// <summary>The link as it is now: hardware address, prefixes, MTU and carrier follow the interface, name and index stay.</summary>
    public LinkFacts Facts
    {
        get => facts;
        internal set => facts = value;
    }

    /// <summary>The link's hardware address as it is now.</summary>
    public MacAddress Mac => facts.Mac;

    /// <summary>What to answer. Set as a whole, from any one thread at a time; takes effect with the next frame.</summary>
    public AnswerTable Table
    {
        get => table;
        set => table = value;
    }

    /// <summary>
    /// Until when the link may answer, on <see cref="Clock"/>. A process that was stopped finds it in the past when it goes on, before
    /// it reads the requests that waited for it.
    /// </summary>
    public TimeSpan AnswerUntil
    {
        get => new(Volatile.Read(ref answerUntil));
        set => Volatile.Write(ref answerUntil, value.Ticks);
    }

    /// <summary>The clock of <see cref="AnswerUntil"/>; without one the link always answers.</summary>
    public MonotonicClock? Clock { get; set; }

    /// <summary>What the kernel does by itself on the link; null for nothing.</summary>
    public KernelLink? Kernel { get; set; }

    internal bool MayAnswer => Clock is not { } clock || clock.Now.Ticks < Volatile.Read(ref answerUntil);

    /// <summary>Whether the runner was disposed: its link is gone, and there is nothing to send on it any more.</summary>
    public bool IsClosed => closed;

    /// <summary>The number of requests answered since the link was opened.</summary>
    public long Answered => answerer.Answered;

    /// <summary>The number of frames that came in since the link was opened, also of those that the kernel kept from this process.</summary>
    public long Arrivals => answerer.Arrivals + (Kernel?.HiddenFrames ?? 0);

    /// <summary>The number of peers' frames handed on since the link was opened.</summary>
    public long PeerFrames => answerer.PeerFrames;

    /// <summary>The number of frames that got no answer for this reason since the link was opened.</summary>
    public long Dropped(DropReason reason) => answerer.Dropped(reason);

    /// <summary>Sends one frame, from any thread. False if the kernel did not take it.</summary>
    public bool Send(ReadOnlySpan<byte> frame) => link.Send(frame);

    /// <summary>Whether frames to other hosts come in as well.</summary>
    public bool IsPromiscuous => link.IsPromiscuous;

    /// <summary>Puts a BPF program in the place of the filter that decides which frames come in; false if the kernel refuses it.</summary>
    /// <param name="program">Its file descriptor.</param>
    public bool FilterBy(int program) => link.FilterBy(program);

    /// <summary>The same with a program of the classic packet filter.</summary>
    public bool FilterBy(IReadOnlyList<FilterInstruction> program) => link.FilterBy(program);

    /// <summary>Whether frames wait that the link's thread has not looked at yet.</summary>
    public bool HasUnread => link.HasUnread;

    /// <summary>Starts receiving, on a thread of its own.</summary>
    internal void Start()
    {
        thread = new Thread(Run) { IsBackground = true, Name = $"link {facts.Name}" };
        thread.Start();
    }

    /// <summary>Takes one received frame: what the thread does with each. One caller at a time.</summary>
    internal void Take(ReadOnlySpan<byte> frame) => answerer.OnFrame(frame);

    /// <summary>Stops answering, closes the link and waits for its thread, unless called on it.</summary>
    public void Dispose()
    {
        closed = true;
        table = AnswerTable.Empty;
        link.Dispose();
        if (thread is { IsAlive: true } && thread != Thread.CurrentThread)
        {
            thread.Join();
        }
    }

    private void Run()
    {
        string reason;
        try
        {
            reason = link.Receive(answerer.OnFrame);
        }
#pragma warning disable CA1031 // One link's failure must not end the process: the link is reopened and the log says why.
        catch (Exception e)
#pragma warning restore CA1031
        {
            reason = e.ToString();
        }

        ended(this, reason);
    }
}
