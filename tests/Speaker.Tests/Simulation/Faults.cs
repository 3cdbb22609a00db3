using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>What can go wrong.</summary>
internal enum FaultKind
{
    NodeDies,
    SpeakerCrashes,
    SpeakerIsUpgraded,
    SpeakerStandsStill,
    CableIsPulled,
    PortGoesDead,
    NodeIsMute,
    NodeIsDeaf,
    SpeakerIsDeaf,
    OneWayIsCut,
    SegmentSplits,
    FramesGetLost,
    ApiIsAwayFromOne,
    ApiIsAwayFromAll,
    WatchLagsBehind,
    EndpointMoves,
    EndpointMovesWhileApiIsAwayFromItsNode,
    MtuIsSmall,
    HardwareAddressChanges,
    InterfaceIsReplaced,
    KeyRotates,
    KeyRotatesWhileApiIsAwayFromOne,
    GatewayDies,
    GatewayDiesWithANode,
    NodeJoinsOnAWrongVlan,
    SecondLinkOnTheSegment,
}

/// <summary>Which VIPs may come to another hardware address by a fault.</summary>
internal enum Moves
{
    None,

    /// <summary>Those of the nodes it struck.</summary>
    Struck,

    Any,
}

/// <summary>Makes things go wrong. Each fault mends itself.</summary>
internal sealed class Faults(SimulatedCluster cluster, Random random)
{
    /// <summary>Each is tried by every run of the tests.</summary>
    public static readonly IReadOnlyList<FaultKind> Kinds = Enum.GetValues<FaultKind>();

    // A node is the victim of one fault at a time; that is no limit of what is tried, faults of several nodes overlap.
    private readonly HashSet<SimulatedHost> struck = [];
    private bool rotated;
    private bool splits;

    /// <summary>Faults that have not mended yet.</summary>
    public int Pending { get; private set; }

    // Two nodes, and nobody else ever spoke: the one that hears nothing cannot tell that from the death of the other, and takes what is its.
    private Moves MovesOfADeafSpeaker(Moves moves) =>
        cluster.HasNoWitness ? Moves.Any : moves;

    /// <summary>All faults so far.</summary>
    public int All { get; private set; }

    /// <summary>Those that may move VIPs.</summary>
    public int Moving { get; private set; }

    /// <summary>Begins a fault and sees to its end.</summary>
    /// <returns>What it may move, and the nodes it struck; null if it could not begin.</returns>
    public (Moves Moves, IReadOnlyList<SimulatedNode> Struck)? Begin(FaultKind kind, SimulatedNode? victim = null)
    {
        var node = victim ?? cluster.Nodes[random.Next(cluster.Nodes.Count)];
        return kind switch
        {
            FaultKind.NodeDies => Strike(kind, node, 200, 6000, Moves.Struck, node.PowerOff, node.PowerOn),
            FaultKind.SpeakerCrashes => Strike(kind, node, 50, 6000, Moves.None, node.KillSpeaker, node.StartSpeaker),
            FaultKind.SpeakerIsUpgraded => Strike(kind, node, 1200, 6000, Moves.None, () => node.Speaker?.Terminate(), node.StartSpeaker),
            FaultKind.SpeakerStandsStill => Strike(kind, node, 50, 6000, Moves.None, () => node.Speaker?.Stop(), () => node.Speaker?.Continue()),
            FaultKind.CableIsPulled => Strike(kind, node, 50, 6000, Moves.Struck, () => node.SetCarrier(false), () => node.SetCarrier(true)),
            FaultKind.PortGoesDead => Strike(kind, node, 50, 6000, Moves.Struck, () => Port(node, true, true), () => Port(node, false, false)),
            FaultKind.NodeIsMute => Strike(kind, node, 50, 8000, Moves.Struck, () => Port(node, false, true), () => Port(node, false, false)),
            FaultKind.NodeIsDeaf => Strike(kind, node, 50, 8000, MovesOfADeafSpeaker(Moves.Struck), () => Port(node, true, false), () => Port(node, false, false)),
            FaultKind.SpeakerIsDeaf => Strike(kind, node, 50, 8000, MovesOfADeafSpeaker(Moves.None), () => node.SpeakerDeaf = true, () => node.SpeakerDeaf = false),
            FaultKind.OneWayIsCut => CutOneWay(node),
            FaultKind.SegmentSplits => Split(),
            FaultKind.FramesGetLost => LoseFrames(),
            FaultKind.ApiIsAwayFromOne => Strike(kind, node, 500, 8000, Moves.None, () => node.ReachesApi = false, () => node.ReachesApi = true),
            FaultKind.ApiIsAwayFromAll => Run(kind.ToString(), [], 500, 8000, Moves.None, () => ReachApi(false), () => ReachApi(true)),
            FaultKind.WatchLagsBehind => Strike(kind, node, 500, 8000, Moves.None,
                () => node.WatchLag = TimeSpan.FromMilliseconds(random.Next(100, 3000)), () => node.WatchLag = TimeSpan.Zero),
            FaultKind.EndpointMoves => MoveEndpoint(away: false),
            FaultKind.EndpointMovesWhileApiIsAwayFromItsNode => MoveEndpoint(away: true),
            FaultKind.MtuIsSmall => Strike(kind, node, 2000, 8000, Moves.None, () => SetMtu(node, 1400), () => SetMtu(node, 1500)),
            FaultKind.HardwareAddressChanges => Strike(kind, node, 4000, 8000, Moves.Struck, () => ChangeMac(node), static () => { }),
            FaultKind.InterfaceIsReplaced => Strike(kind, node, 4000, 8000, Moves.Struck, () => Replace(node), () => Replace(node)),
            FaultKind.KeyRotates when !rotated => Run(kind.ToString(), [], 3000, 6000, Moves.None, RotateKey, static () => { }),
            FaultKind.KeyRotatesWhileApiIsAwayFromOne when !rotated => RotateKeyWithout(node),
            FaultKind.GatewayDies when cluster.Gateway is { } gateway =>
                Run(kind.ToString(), [], 500, 8000, Moves.None, () => gateway.Powered = false, () => gateway.Powered = true),
            // Of two nodes, the last cannot tell an empty segment from a dead link until somebody says something.
            FaultKind.GatewayDiesWithANode when cluster.Gateway is { } gateway && !(cluster.Silent && cluster.Nodes.Count == 2) => Strike(kind, node, 500, 8000, Moves.Struck,
                () =>
                {
                    gateway.Powered = false;
                    node.PowerOff();
                },
                () =>
                {
                    gateway.Powered = true;
                    node.PowerOn();
                }),
            FaultKind.NodeJoinsOnAWrongVlan => JoinOnAWrongVlan(),
            FaultKind.SecondLinkOnTheSegment => AddLink(node),
            _ => null,
        };
    }

    private static void Port(SimulatedNode node, bool deaf, bool mute)
    {
        foreach (var port in node.Ports)
        {
            port.Deaf = deaf;
            port.Mute = mute;
        }
    }

    private void ReachApi(bool reaches)
    {
        foreach (var node in cluster.Nodes)
        {
            node.ReachesApi = reaches;
        }
    }

    private static void SetMtu(SimulatedNode node, int mtu)
    {
        node.Port.Mtu = mtu;
        node.LinksChanged();
    }

    private void ChangeMac(SimulatedNode node)
    {
        node.Port.Mac = new MacAddress(0x5254_0100_0000UL + (ulong)random.Next(1, 1 << 24));
        node.LinksChanged();
    }

    // The address moves from eth0 to br0, which has the same hardware address, and back.
    private static void Replace(SimulatedNode node)
    {
        var port = node.Port;
        port.Name = port.Name == "eth0" ? "br0" : "eth0";
        port.Index += 10;
        node.LinksChanged();
    }

    // Once: the next rotation may begin when the last is over, a minute or two later.
    private void RotateKey()
    {
        rotated = true;
        cluster.Api.PutKey("another key of it, 32 bytes long", previous: SimulatedCluster.Key);
    }

    private (Moves, IReadOnlyList<SimulatedNode>)? RotateKeyWithout(SimulatedNode node) =>
        Strike(FaultKind.KeyRotatesWhileApiIsAwayFromOne, node, 8000, 12_000, Moves.None,
            () =>
            {
                node.ReachesApi = false;
                cluster.Time.After(TimeSpan.FromMilliseconds(500), RotateKey);
            },
            () => node.ReachesApi = true);

    private (Moves, IReadOnlyList<SimulatedNode>)? MoveEndpoint(bool away)
    {
        var vip = cluster.Vips[random.Next(cluster.Vips.Count)];
        if (!cluster.Local || cluster.Answers(vip).Select(answer => answer.Node).FirstOrDefault() is not { } from)
        {
            return null;
        }

        // Not to one whose addresses no client reaches.
        var others = cluster.Nodes.Where(node => node != from && node.Port.Vlan == from.Port.Vlan).ToList();
        var to = others[random.Next(others.Count)];
        return Strike(away ? FaultKind.EndpointMovesWhileApiIsAwayFromItsNode : FaultKind.EndpointMoves, from, 1500, 8000, Moves.Struck,
            () =>
            {
                from.ReachesApi = !away;
                cluster.Time.After(TimeSpan.FromMilliseconds(200), () => cluster.MoveEndpoints(vip, to));
            },
            () => from.ReachesApi = true);
    }

    private (Moves, IReadOnlyList<SimulatedNode>)? CutOneWay(SimulatedNode node)
    {
        var other = cluster.Nodes[random.Next(cluster.Nodes.Count)];
        return node == other || struck.Contains(other) ? null
            : Run($"{node.Name}: nothing passes to {other.Name}", [node, other], 100, 8000, Moves.Struck,
                () => cluster.Wire.Cut(node, other, true), () => cluster.Wire.Cut(node, other, false));
    }

    // The client and the gateway are in one of the parts.
    private (Moves, IReadOnlyList<SimulatedNode>)? Split()
    {
        if (splits || struck.Count > 0)
        {
            return null;
        }

        var hosts = cluster.Wire.Ports.Select(port => port.Host).Distinct().ToList();
        var there = hosts.Where(_ => random.Next(2) == 0).ToHashSet();
        return Run($"segment splits: {string.Join(' ', there.Select(host => host.Name))} on one side", cluster.Nodes, 100, 8000, Moves.Any,
            () => Divide(true), () => Divide(false));

        void Divide(bool cut)
        {
            splits = cut;
            foreach (var a in hosts)
            {
                foreach (var b in hosts)
                {
                    if (there.Contains(a) != there.Contains(b))
                    {
                        cluster.Wire.Cut(a, b, cut);
                    }
                }
            }
        }
    }

    private (Moves, IReadOnlyList<SimulatedNode>)? LoseFrames()
    {
        var perMille = random.Next(10, 300);
        return cluster.Wire.LossPerMille > 0 ? null
            : Run($"{perMille / 10.0:0.0} % of the frames get lost", [], 100, 4000, perMille > 20 ? Moves.Any : Moves.None,
                () => cluster.Wire.LossPerMille = perMille, () => cluster.Wire.LossPerMille = 0);
    }

    // It is known by its Lease and heard by nobody.
    private (Moves, IReadOnlyList<SimulatedNode>)? JoinOnAWrongVlan()
    {
        var node = cluster.AddNode();
        node.Port.Vlan = 7;
        return Run($"{node.Name}: joins on a wrong VLAN", [node], 8000, 12_000, Moves.None, node.StartSpeaker, node.KillSpeaker);
    }

    private (Moves, IReadOnlyList<SimulatedNode>)? AddLink(SimulatedNode node)
    {
        if (node.Ports.Count > 1)
        {
            return null;
        }

        return Strike(FaultKind.SecondLinkOnTheSegment, node, 3000, 8000, Moves.Struck,
            () =>
            {
                node.Add("eth1", $"52:54:00:00:02:{node.Index + 1:x2}", $"192.168.96.{node.Index + 101}/20");
                node.LinksChanged();
            },
            () =>
            {
                node.Ports[1].Carrier = false;
                node.LinksChanged();
            });
    }

    private (Moves, IReadOnlyList<SimulatedNode>)? Strike(
        FaultKind kind, SimulatedNode node, int least, int most, Moves moves, Action begin, Action end) =>
        struck.Contains(node) || splits ? null : Run($"{node.Name}: {kind}", [node], least, most, moves, begin, end);

    private (Moves, IReadOnlyList<SimulatedNode>)? Run(
        string what, IReadOnlyList<SimulatedNode> nodes, int least, int most, Moves moves, Action begin, Action end)
    {
        cluster.Say(what);
        struck.UnionWith(nodes);

        // Who met the owner before it went may be the next to go: with two speakers away at once, nobody may be left who knows it.
        Moving += moves != Moves.None || struck.Count > 1 || cluster.Nodes.Any(node => !nodes.Contains(node) && !(node.RunsFor > TimeSpan.FromSeconds(1))) ? 1 : 0;
        Pending++;
        All++;
        var unable = moves == Moves.None ? [] : nodes;
        cluster.Watch.Edge(unable);
        begin();
        cluster.Time.After(TimeSpan.FromMilliseconds(random.Next(least, most)), () =>
        {
            cluster.Say($"{what}: over");
            struck.ExceptWith(nodes);
            end();
            Pending--;
            cluster.Watch.Edge(unable);
        });
        return (moves, nodes);
    }
}
