using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>Nodes, an API server, a client and, if there is one, a gateway on one switch. Everything that happens follows from the seed.</summary>
internal sealed class SimulatedCluster
{
    public const string Key = "the key of this cluster, 32 bytes";

    private static readonly TimeSpan KubeletPeriod = TimeSpan.FromSeconds(10);

    private readonly Action<string>? log;
    private readonly Dictionary<(string, IpAddress), OwnershipState> seen = [];
    private readonly Dictionary<IpAddress, HashSet<SimulatedNode>> endpoints = [];
    private ulong boots;
    private int kubeletVersion;

    public SimulatedCluster(
        int seed, int nodes, int vips = 1, bool gateway = true, bool local = false, int mtu = 1500, bool silent = false, Action<string>? log = null, int furtherVips = 0,
        Func<int, MembershipTimings>? timings = null)
    {
        TimingsOf = timings ?? (static _ => new MembershipTimings());
        this.log = log;
        Local = local;
        Seed = seed;
        Time = new VirtualTime(seed);
        Wire = new SimulatedWire(Time);
        Api = new SimulatedApi(Time);
        Client = new SimulatedClient(Time, Wire, "client");
        Client.Add("eth0", "52:54:00:00:01:01", "192.168.111.201/20");
        if (gateway)
        {
            Gateway = new SimulatedHost(Time, Wire, "gateway");
            Gateway.Add("eth0", "52:54:00:00:01:02", "192.168.96.1/20");
        }

        Nodes = [.. Enumerable.Range(0, nodes).Select(NewNode)];
        Nodes.ForEach(node => node.Port.Mtu = mtu);
        var width = 250 / vips;
        Vips = [.. Enumerable.Range(0, vips).Select(i => IpAddress.Parse($"192.168.97.{(width * i) + Time.Random.Next(1, width + 1)}"))];
        for (var i = 0; i < vips; i++)
        {
            var vip = Vips[i];
            endpoints[vip] = [.. local ? [Nodes[i % nodes], Nodes[(i + 1) % nodes]] : Nodes];
            Api.PutService(ServiceOf(vip), vip, endpoints[vip].Select(node => node.Name), local);
            Client.Use(vip);
        }

        // Nobody asks for these: they are owned and claimed as the others are.
        FurtherVips = [.. Enumerable.Range(0, furtherVips).Select(static i => IpAddress.FromUInt32(IpAddress.Parse("192.168.98.0").AsUInt32 + (uint)i))];
        foreach (var vip in FurtherVips)
        {
            Api.PutService($"f-{vip.AsUInt32 & 0xfff}", vip, Nodes.Select(static node => node.Name));
        }

        Api.PutKey(Key);
        Watch = new Watch(this);
        Time.Every(Watch.Interval, Look);
        Silent = silent;
        if (!silent)
        {
            // Hosts ask for each other; whoever is asked or asks is a witness that frames pass.
            Time.Every(TimeSpan.FromMilliseconds(1130), () => Client.Ask(Client.Ports[0], (Gateway ?? Nodes[Time.Random.Next(Nodes.Count)]).Ports[0].Prefix.Address));
        }

        if (Gateway is not null)
        {
            // A router speaks to the hosts behind it now and then.
            Time.Every(TimeSpan.FromMilliseconds(990), () => Gateway.Ask(Gateway.Ports[0], Nodes[Time.Random.Next(Nodes.Count)].Port.Prefix.Address));
        }
    }

    public int Seed { get; }

    public VirtualTime Time { get; }

    public TimeSpan Now => Time.Now;

    public SimulatedWire Wire { get; }

    /// <summary>Whether the client says nothing once it knows where the VIPs are.</summary>
    public bool Silent { get; }

    /// <summary>Whether two nodes are alone: the one that hears nothing cannot know it.</summary>
    public bool HasNoWitness => Silent && Gateway is null && Nodes.Count == 2;

    /// <summary>Whether a VIP is served by the endpoint of one node only, with the policy Local.</summary>
    public bool Local { get; }

    public SimulatedApi Api { get; }

    public List<SimulatedNode> Nodes { get; }

    public SimulatedClient Client { get; }

    public SimulatedHost? Gateway { get; }

    public IReadOnlyList<IpAddress> Vips { get; }

    /// <summary>Those that no client uses.</summary>
    public IReadOnlyList<IpAddress> FurtherVips { get; }

    /// <summary>What the speaker of each node goes by, by the node's number.</summary>
    public Func<int, MembershipTimings> TimingsOf { get; set; }

    public IpAddress Vip => Vips[0];

    public Watch Watch { get; }

    /// <summary>The kubelets' Leases, as the API server has them.</summary>
    public SimulatedStore<LeaseResource> KubeletLeases { get; } = new();

    /// <summary>The controllers' common record of losses, as the API server has it.</summary>
    public List<LossEntry> Losses { get; } = [];

    /// <summary>The replicas that run, on two nodes after <see cref="StartControllers"/>.</summary>
    public IEnumerable<SimulatedController> Controllers => Nodes.Select(static node => node.Controller).OfType<SimulatedController>();

    /// <summary>How often Leases are renewed: more often than in truth, so that little time says much.</summary>
    public TimeSpan LeasePeriod { get; set; } = TimeSpan.FromSeconds(2);

    public IReadOnlyList<IpAddress> Gateways => Gateway is null ? [] : [Gateway.Ports[0].Prefix.Address];

    public SimulatedNode this[string name] => Nodes.First(node => node.Name == name);

    /// <summary>Whether a node may own the VIP, by what the API server has.</summary>
    public bool IsEligible(SimulatedNode node, IpAddress vip) => !Local || endpoints[vip].Contains(node);

    /// <summary>The pods behind the VIP run there from now on.</summary>
    public void MoveEndpoints(IpAddress vip, params SimulatedNode[] to)
    {
        Watch.Edge();
        endpoints[vip] = [.. to];
        Api.PutEndpoints(ServiceOf(vip), to.Select(node => node.Name));
    }

    /// <summary>Two replicas of the controller mark lost nodes' pods, the first node's leads; kubelets renew their Leases.</summary>
    public SimulatedCluster StartControllers()
    {
        foreach (var node in Nodes)
        {
            Time.After(Time.Between(1_000, 1_000_000), () => RenewKubelet(node));
        }

        Nodes[0].StartController(leads: true);
        Nodes[1].StartController(leads: false);
        Run(3000);
        return this;
    }

    public ulong NextBoot() => ++boots;

    /// <summary>A further node; its speaker is not started.</summary>
    public SimulatedNode AddNode()
    {
        var node = NewNode(Nodes.Count);
        Nodes.Add(node);
        return node;
    }

    /// <summary>Starts all speakers and lets them find each other.</summary>
    public SimulatedCluster Settle()
    {
        foreach (var node in Nodes)
        {
            Time.After(Time.Between(1_000, 300_000), node.StartSpeaker);
        }

        Run(3000);
        Assert.All(Vips, vip => Assert.Single(Answers(vip).Select(answer => answer.Mac).Distinct()));
        Watch.Reset();
        return this;
    }

    public void Run(int milliseconds) => Time.Run(Now + TimeSpan.FromMilliseconds(milliseconds));

    /// <summary>Who answers the client for the VIP, and with which hardware address.</summary>
    public IEnumerable<(SimulatedNode Node, MacAddress Mac)> Answers(IpAddress vip)
    {
        foreach (var node in Nodes)
        {
            if (node.Powered && !node.SpeakerDeaf && node.Speaker is { } speaker)
            {
                foreach (var (port, mac) in speaker.Answers(vip))
                {
                    if (Reaches(port))
                    {
                        yield return (node, mac);
                    }
                }
            }
        }
    }

    /// <summary>Whether frames pass both ways between a port and the client.</summary>
    public bool Reaches(Port port) => Wire.Passes(Client.Ports[0], port) && Wire.Passes(port, Client.Ports[0]);

    /// <summary>Whether traffic sent to a hardware address arrives at a node that can answer it.</summary>
    public bool Reaches(MacAddress mac) => Wire.Ports.Any(port => port.Mac == mac && port.Present && Reaches(port));

    /// <summary>The node whose hardware address is answered, which gets the traffic.</summary>
    public SimulatedNode OwnerOf(IpAddress vip)
    {
        var mac = Assert.Single(Answers(vip).Select(answer => answer.Mac).Distinct());
        return Nodes.First(node => node.Ports.Any(port => port.Mac == mac));
    }

    /// <summary>The nodes in the order they should own the VIP.</summary>
    public IReadOnlyList<SimulatedNode> Order(IpAddress vip) => [.. Election.Order(vip, Nodes.Select(node => node.Name)).Select(name => this[name])];

    public void Say(string what) => log?.Invoke($"{Now.TotalMilliseconds,9:0.0}  ** {what}");

    private static string ServiceOf(IpAddress vip) => $"s-{vip.AsUInt32 & 0xff}";

    private SimulatedNode NewNode(int index)
    {
        var node = new SimulatedNode(this, $"n{index + 1}", index);
        node.Add("eth0", $"52:54:00:00:00:{index + 1:x2}", $"192.168.96.{index + 11}/20");
        Api.PutNode(new NodeResource { Key = new ObjectKey("", node.Name), Uid = node.Name, IsReady = true, InternalAddresses = [node.Port.Prefix.Address] });
        return node;
    }

    private void RenewKubelet(SimulatedNode node)
    {
        if (node.ReachesApi)
        {
            var lease = new LeaseResource
            {
                Key = new ObjectKey("kube-node-lease", node.Name), HolderIdentity = node.Name, LeaseDurationSeconds = 40,
                RenewTime = DateTimeOffset.UnixEpoch + Now + node.ClockAhead, ResourceVersion = $"{++kubeletVersion}",
            };
            KubeletLeases.Put(lease);
            foreach (var controller in Controllers.Where(static controller => controller.Node.ReachesApi))
            {
                Time.After(Time.Between(500, 5_000), () => controller.Kubelets.Put(lease));
            }
        }

        Time.After(KubeletPeriod, () => RenewKubelet(node));
    }

    private void Look()
    {
        Watch.Look();
        if (log is null)
        {
            return;
        }

        foreach (var node in Nodes)
        {
            foreach (var segment in node.Speaker?.Segments ?? [])
            {
                foreach (var vip in Vips)
                {
                    var state = segment.Ownership[vip];
                    var before = seen.GetValueOrDefault(($"{node.Name}/{segment.Name}", vip));
                    if (before != state)
                    {
                        seen[($"{node.Name}/{segment.Name}", vip)] = state;
                        log($"{Now.TotalMilliseconds,9:0.0}  {node.Name}  {vip}  {before.Phase} -> {state.Phase}  owner {state.Owner ?? "-"} term {state.Term}{(state.Doubts is null ? "" : $" doubts {state.Doubts}")}");
                    }
                }
            }
        }
    }
}
