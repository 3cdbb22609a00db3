using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Core.Tests.Ownership.Simulation;

/// <summary>
/// A segment of nodes under a virtual clock. Frames take a while, get lost, come twice and overtake each other; paths are cut one way
/// or both. Everything that happens follows from the seed.
/// </summary>
internal sealed class SimulatedSegment
{
    public static readonly MembershipTimings Timings = new() { Grace = TimeSpan.FromSeconds(30) };

    public static readonly IReadOnlyDictionary<IpAddress, VipFacts> NoVips = new Dictionary<IpAddress, VipFacts>();

    private static readonly bool Frames = Environment.GetEnvironmentVariable("LB_SIMULATION_FRAMES") is not null;

    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> events = new();
    private readonly bool[,] cut;
    private readonly TimeSpan[,] lastAt;
    private readonly Dictionary<IpAddress, SimulatedNode> owners = [];
    private readonly Action<string>? log;
    private readonly Dictionary<(int Node, IpAddress Vip), (string? Owner, int Moves)> seen = [];
    private long order;
    private ulong boots;

    public SimulatedSegment(int seed, int nodes, int vips, Action<string>? log = null)
    {
        Random = new Random(seed);
        this.log = log;
        cut = new bool[nodes, nodes];
        lastAt = new TimeSpan[nodes, nodes];
        Nodes = [.. Enumerable.Range(0, nodes).Select(index => new SimulatedNode(this, index))];
        Vips = Enumerable.Range(0, vips).Select(i => Members.Vip($"192.168.97.{Random.Next(1, 250)}")).DistinctBy(vip => vip.Address)
            .ToDictionary(vip => vip.Address);
        Watch = new ConflictWatch(this);
    }

    public Random Random { get; }

    public TimeSpan Now { get; private set; }

    public IReadOnlyList<SimulatedNode> Nodes { get; }

    public Dictionary<IpAddress, VipFacts> Vips { get; }

    public ConflictWatch Watch { get; }

    /// <summary>Of a thousand frames so many are lost.</summary>
    public int LossPerMille { get; set; }

    /// <summary>How often a VIP came to another owner.</summary>
    public Dictionary<IpAddress, int> TakeOvers { get; } = [];

    public void Start(SimulatedNode node) => node.StartSpeaker(++boots);

    public void At(TimeSpan at, Action action) => events.Enqueue(action, (at, ++order));

    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    public void WakeAt(SimulatedNode node, TimeSpan at, long ticket) => At(at, () =>
    {
        if (node.WakeTicket == ticket)
        {
            node.Wake();
        }
    });

    public void Run(TimeSpan until)
    {
        while (events.TryPeek(out _, out var due) && due.At <= until)
        {
            var action = events.Dequeue();
            Now = due.At;
            action();
        }

        Now = until;
        Watch.Look();
    }

    public void Cut(SimulatedNode from, SimulatedNode to, bool isCut) => cut[from.Index, to.Index] = isCut;

    public bool Passes(SimulatedNode from, SimulatedNode to) =>
        !cut[from.Index, to.Index] && from is { Powered: true, Carrier: true } && to is { Powered: true, Carrier: true };

    public bool HearEachOther(SimulatedNode a, SimulatedNode b) => LossPerMille <= 20 && Passes(a, b) && Passes(b, a) && a.Works && b.Works;

    public NodeFacts FactsOf(string name) =>
        Nodes[int.Parse(name.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture) - 1].Excluded
            ? NodeFacts.Unknown with { Excluded = true }
            : NodeFacts.Unknown;

    public void Send(SimulatedNode from, ReadOnlySpan<byte> frame)
    {
        var destination = MacAddress.Read(frame);
        byte[]? copy = null;
        foreach (var node in Nodes)
        {
            if (node != from && (destination.IsGroup || destination == node.Mac) && Passes(from, node) && Random.Next(1000) >= LossPerMille)
            {
                copy ??= frame.ToArray();
                Deliver(from, node, copy);
            }
        }
    }

    /// <summary>Asks a kernel, and carries its answer back.</summary>
    public void Ask(SimulatedNode from, CheckTarget target)
    {
        foreach (var node in Nodes)
        {
            if (node.Address == target.Address && Passes(from, node) && Random.Next(1000) >= LossPerMille)
            {
                After(Delay(), () =>
                {
                    if (Passes(node, from) && Random.Next(1000) >= LossPerMille)
                    {
                        After(Delay(), () => from.HearKernel(node.Mac, node.Address));
                    }
                });
            }
        }
    }

    public void Note(SimulatedNode node, IpAddress vip, OwnershipAction action, in OwnershipState before, in OwnershipState after)
    {
        if (before.Phase != OwnershipPhase.Owner && (action is OwnershipAction.Announce or OwnershipAction.Resume))
        {
            TakeOvers[vip] = TakeOvers.GetValueOrDefault(vip) + (owners.GetValueOrDefault(vip, node) != node ? 1 : 0);
            owners[vip] = node;
        }

        if (after.Owner is { } owner)
        {
            var (last, moves) = seen.GetValueOrDefault((node.Index, vip));
            seen[(node.Index, vip)] = (owner, moves + (last is not null && last != owner && Now > TimeSpan.FromSeconds(2) ? 1 : 0));
        }

        log?.Invoke($"{Now.TotalMilliseconds,9:0.0}  {node.Name}  {vip}  {before.Phase} -> {after.Phase}  {action}  owner {after.Owner ?? "-"} term {after.Term}");
    }

    /// <summary>With LB_SIMULATION_FRAMES set, a timeline has every frame but the heartbeats of the living.</summary>
    public void Trace(SimulatedNode node, in HeartbeatFrame frame, in HearResult result)
    {
        if (log is not null && Frames && (frame.Kind != HeartbeatKind.Heartbeat || result.Changed || result.AnswerNow))
        {
            log($"{Now.TotalMilliseconds,9:0.0}  {node.Name}  hears {frame.Kind} {frame.Sequence} of {System.Text.Encoding.ASCII.GetString(frame.Node)}, {frame.Flags}: {result.Refusal}{(result.Changed ? ", changed" : "")}{(result.AnswerNow ? ", to be answered" : "")}");
        }
    }

    /// <summary>How often each VIP came to another owner, as a node saw it while it was settled.</summary>
    public Dictionary<IpAddress, int> MovesSeenBy(SimulatedNode node) =>
        Vips.Keys.ToDictionary(vip => vip, vip => seen.GetValueOrDefault((node.Index, vip)).Moves);

    public void Say(string what) => log?.Invoke($"{Now.TotalMilliseconds,9:0.0}  ** {what}");

    public void Changed() => Watch.Look();

    private void Deliver(SimulatedNode from, SimulatedNode to, byte[] frame)
    {
        // A wire keeps the order; only what is held up is overtaken.
        var delay = Delay();
        ref var last = ref lastAt[from.Index, to.Index];
        var at = Now + delay;
        if (delay < TimeSpan.FromMilliseconds(1))
        {
            at = at > last ? at : last + TimeSpan.FromMicroseconds(1);
            last = at;
        }

        At(at, () => to.Hear(frame));
        if (Random.Next(1000) < 5)
        {
            After(Delay() + Delay(), () => to.Hear(frame));
        }
    }

    // Mostly a tenth of a millisecond; now and then a frame is held up and others overtake it.
    private TimeSpan Delay() => TimeSpan.FromMicroseconds(Random.Next(1000) < 5 ? Random.Next(1_000, 30_000) : Random.Next(50, 300));
}
