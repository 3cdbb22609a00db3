using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Hosting;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Report;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Membership;
using LoadBalancer.Speaker.NodeLoss;
using LoadBalancer.Speaker.Ownership;
using LoadBalancer.Speaker.Report;
using LoadBalancer.Status;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Speaker.Tests.Cluster;

/// <summary>One speaker: all of the program but sockets, threads and the API client.</summary>
internal sealed class VirtualSpeaker : IDisposable
{
    private readonly Heartbeats heartbeats;
    private readonly List<VirtualSwitch.Port> ports = [];
    private readonly WakeUp changed;
    private readonly MonotonicClock clock;
    private TimeSpan nextBeat;
    private TimeSpan nextStep;

    public VirtualSpeaker(string name, ulong boot, VirtualSwitch.Port port, FakeApi api, TimeProvider time, bool rebalance = false,
        bool ignoreExcludeLabel = false)
    {
        Name = name;
        Port = port;
        clock = new MonotonicClock(time);
        changed = new WakeUp();
        heartbeats = new Heartbeats(new SpeakerIdentity(name, boot), new MembershipTimings(), TimeSpan.FromMilliseconds(100), clock, changed)
        {
            Gateways = [IpAddress.Parse(VirtualCluster.GatewayAddress)],
        };
        Events = new OwnershipEvents(api, name);
        Published = new PublishedAddresses(time);
        var keys = HeartbeatKeyWatch.OfSecret(api.Secrets, FakeApi.KeySecret, api.KeyMount, heartbeats, clock, NullLogger.Instance);
        var pass = new OwnershipPass(heartbeats, api.Nodes, new SpeakerLeases(api.Leases, api.Nodes, name), Events,
            new IsolationEvents(api, api.Nodes, name), () => api.IsCurrent, rebalance, ignoreExcludeLabel);
        Pipeline = new SpeakerPipeline(new SpeakerStores(api.Services, api.Slices, api.Nodes, api.Leases), () => api.Pools, heartbeats, keys,
            pass, new LossWatch(api.Nodes, api.Leases, name), Readiness, clock, changed, loadBalancerClass: null, Published);
        Pass = pass;
        Segment = AddLink(port);
        Report = new SpeakerReport
        {
            Node = name, WallClock = time, Clock = clock, Pipeline = Pipeline, Readiness = Readiness, Events = new RememberedEvents(api, time),
            Pools = () => PoolConfigStatus.Initial with { Config = api.Pools, State = api.Pools is null ? PoolConfigState.NotLoaded : PoolConfigState.Loaded },
            Warnings = () => [], Keys = () => heartbeats.Keys, Answering = _ => new AnsweringStatus { By = Port.HasKernel ? "kernel" : "process" },
        };
    }

    /// <summary>What its Lease says of addresses.</summary>
    public PublishedAddresses Published { get; }

    /// <summary>What it tells at /status.</summary>
    public SpeakerReport Report { get; }

    /// <summary>The node gets another network interface.</summary>
    public Segment AddLink(VirtualSwitch.Port port)
    {
        ports.Add(port);
        var segment = heartbeats.Add(port);
        port.Received = frame => heartbeats.Hear(segment, frame);
        port.HeardKernel = (mac, address) => heartbeats.HearKernel(segment, mac, address);
        return segment;
    }

    /// <summary>The hardware addresses with which the node answers for an address, on all of its links.</summary>
    public IEnumerable<string> MacsFor(string ip)
    {
        foreach (var port in ports.Where(static port => port.Plugged))
        {
            if (port.Table.TryGet(IpAddress.Parse(ip), out var mac))
            {
                yield return mac.ToString();
            }
        }
    }

    public string Name { get; }

    public VirtualSwitch.Port Port { get; private set; }

    public Segment Segment { get; private set; }

    public Readiness Readiness { get; } = new();

    public OwnershipEvents Events { get; }

    public SpeakerPipeline Pipeline { get; }

    public OwnershipPass Pass { get; }

    public bool Running { get; set; } = true;

    public bool Answers(string ip) => Port.Table.TryGet(IpAddress.Parse(ip), out _);

    public string? MacFor(string ip) => Port.Table.TryGet(IpAddress.Parse(ip), out var mac) ? mac.ToString() : null;

    public void Dispose() => changed.Dispose();

    /// <summary>What the two threads do: run when woken or when it is time.</summary>
    public void Step()
    {
        if (Running && (heartbeats.Wake.Take() || clock.Now >= nextBeat))
        {
            nextBeat = clock.Now + heartbeats.Beat();
        }

        if (Running && (changed.Take() || clock.Now >= nextStep))
        {
            nextStep = clock.Now + Pipeline.Step();
        }
    }

    /// <summary>Its link goes and comes back, as one that was down for a moment does, or another interface takes its place.</summary>
    public void Reopen(VirtualSwitch.Port port)
    {
        Port.Received = null;
        heartbeats.Remove(Segment);
        ports.Remove(Port);
        Port = port;
        Segment = AddLink(port);
    }

    /// <summary>SIGKILL: says nothing and answers nothing any more.</summary>
    public void Kill()
    {
        Running = false;
        foreach (var port in ports)
        {
            port.Received = null;
            port.Answer(Core.Packets.AnswerTable.Empty);
        }
    }
}

/// <summary>Speakers on one switch, in steps of virtual time.</summary>
internal sealed class VirtualCluster
{
    private static readonly TimeSpan StepTime = TimeSpan.FromMilliseconds(5);

    private readonly FakeTimeProvider time = new();
    private ulong boots;

    public VirtualCluster(int nodes, bool keyed = true, bool rebalance = false, bool ignoreExcludeLabel = false)
    {
        Rebalance = rebalance;
        IgnoreExcludeLabel = ignoreExcludeLabel;
        Api.Sync();
        if (keyed)
        {
            Api.PutKey(FakeApi.Key);
        }

        for (var i = 1; i <= nodes; i++)
        {
            Api.PutNode(new NodeResource { Key = new ObjectKey("", $"n{i}") });
            Speakers.Add(Start($"n{i}"));
        }
    }

    private bool Rebalance { get; }

    private bool IgnoreExcludeLabel { get; }

    public FakeApi Api { get; } = new();

    public VirtualSwitch Switch { get; } = new();

    /// <summary>The milliseconds that were let pass.</summary>
    public int Now { get; private set; }

    public List<VirtualSpeaker> Speakers { get; } = [];

    public VirtualSpeaker this[string name] => Speakers.Last(speaker => speaker.Name == name);

    /// <summary>Starts a speaker, the first or the next run of its node.</summary>
    /// <param name="name">The node.</param>
    /// <param name="api">Its API server, if it is not the one of all.</param>
    /// <param name="mac">The hardware address of its link, if it is another than usual.</param>
    public VirtualSpeaker Start(string name, FakeApi? api = null, string? mac = null) => new(
        name, ++boots, Switch.Connect(name, mac ?? MacOf(name), $"192.168.96.1{name[1..]}/20"), api ?? Api, time, Rebalance, IgnoreExcludeLabel);

    public VirtualSpeaker Restart(string name, FakeApi? api = null, string? mac = null)
    {
        Switch.Disconnect(this[name].Port);
        var speaker = Start(name, api, mac);
        Speakers.Add(speaker);
        return speaker;
    }

    /// <summary>The speaker's link is closed and opened again, or another interface with its address.</summary>
    public void Reopen(string name, string link = "eth0", string? mac = null)
    {
        Switch.Disconnect(this[name].Port);
        this[name].Reopen(Switch.Connect(name, mac ?? MacOf(name), $"192.168.96.1{name[1..]}/20", link));
    }

    public const string GatewayAddress = "192.168.96.1";

    /// <summary>A router that answers for its address.</summary>
    public void AddGateway() => Switch.Connect("gateway", "52:54:00:00:00:fe", GatewayAddress + "/20");

    public static string MacOf(string name) => $"52:54:00:00:00:0{name[1..]}";

    /// <summary>The hardware addresses the address is answered with.</summary>
    public IReadOnlyList<string> Macs(string ip) =>
        [.. Speakers.Where(speaker => speaker.Port.Plugged).Select(speaker => speaker.MacFor(ip)).OfType<string>().Distinct()];

    /// <summary>Lets time pass; calls <paramref name="watch"/> after each 5 ms.</summary>
    public void Run(int milliseconds, Action<int>? watch = null)
    {
        for (var at = 0; at < milliseconds; at += (int)StepTime.TotalMilliseconds)
        {
            time.Advance(StepTime);
            Now += (int)StepTime.TotalMilliseconds;
            do
            {
                Speakers.ForEach(speaker => speaker.Step());
            }
            while (Switch.Deliver());

            Speakers.ForEach(speaker => speaker.Step());
            watch?.Invoke(at + 5);
        }
    }

    /// <summary>What a speaker tells at /status, as it is read again from its JSON.</summary>
    public async Task<SpeakerStatus> StatusOf(string name, string? address = null, bool all = false)
    {
        var asked = this[name].Report.MakeAsync(new StatusQuery(address, all));
        Run(10);
        return StatusJson.ReadSpeaker(StatusJson.Write(await asked.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)));
    }

    /// <summary>Lets a long time pass in steps of a second; only a speaker without peers takes no offence.</summary>
    public void RunAlone(TimeSpan duration)
    {
        for (var passed = TimeSpan.Zero; passed < duration; passed += TimeSpan.FromSeconds(1))
        {
            time.Advance(TimeSpan.FromSeconds(1));
            Assert.Single(Speakers).Step();
        }
    }

    /// <summary>Lets time pass without a single thread getting to run on one node.</summary>
    public void RunWithout(string stalled, int milliseconds)
    {
        var speaker = this[stalled];
        speaker.Running = false;
        var received = speaker.Port.Received;
        speaker.Port.Received = null;
        Run(milliseconds);
        speaker.Running = true;
        speaker.Port.Received = received;
    }

    /// <summary>The nodes that answer for the address.</summary>
    public IReadOnlyList<string> Answering(string ip) =>
        [.. Speakers.Where(speaker => speaker.Port.Plugged && speaker.Answers(ip)).Select(speaker => speaker.Name)];

    /// <summary>The nodes in the order they should own the address.</summary>
    public IReadOnlyList<string> Order(string ip) => Election.Order(IpAddress.Parse(ip), Speakers.Select(speaker => speaker.Name).Distinct());

    public string Only(string ip) => Assert.Single(Answering(ip));
}
