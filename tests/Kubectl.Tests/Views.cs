using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Tests;

/// <summary>A cluster in which all is well: one Service, three speakers, n2 announces. Tests change one thing of it.</summary>
internal static class Views
{
    public const string Vip = "192.168.96.100";

    public static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public static readonly ObjectKey Web = new("prod", "web");

    public static ClusterView Well => new()
    {
        Services = [Service()],
        Nodes = [.. Names.Select(static name => new NodeResource { Key = new ObjectKey("", name) })],
        Namespaces = [],
        ConfigText = "address-pools:\n- name: default\n  protocol: layer2\n  addresses: [192.168.96.100-192.168.96.150]\n",
        Controllers = [new Told<ControllerStatus>("controller-a", Controller(), null)],
        Speakers = [.. Names.Select(static name => new Told<SpeakerStatus>($"speaker-{name}", Speaker(name), null))],
    };

    public static string[] Names => ["n1", "n2", "n3"];

    public static ServiceResource Service(Func<ServiceResource, ServiceResource>? with = null)
    {
        var service = new ServiceResource
        {
            Key = Web, Type = "LoadBalancer", ClusterIPs = ["10.96.0.1"], IpFamilies = [IpFamily.IPv4], Ports = [new ServicePort("TCP", 80)],
            Ingress = [new IngressPoint(Vip)],
        };
        return with is null ? service : with(service);
    }

    public static ControllerStatus Controller(params AssignmentStatus[] services) => new()
    {
        Program = Program(), Replica = "a", Leading = true, Leader = "a", Current = true, Configuration = new ConfigurationStatus { State = "Loaded" },
        Pools = [new PoolStatus { Name = "default", Ranges = ["192.168.96.100-192.168.96.150"], Size = 51, InUse = 1, AutoAssign = true }],
        Services = services.Length > 0 ? services : [new AssignmentStatus { Namespace = "prod", Name = "web", Addresses = [Vip] }],
    };

    /// <summary>n2 owns the address; every speaker tells of it, as when it is asked.</summary>
    public static SpeakerStatus Speaker(string node) => new()
    {
        Program = Program(), Node = node, Current = true, Configuration = new ConfigurationStatus { State = "Loaded" }, Vips = 1,
        Links =
        [
            new LinkStatus
            {
                Name = "eth0", Mac = MacOf(node), Mtu = 1500, Carrier = true, Serving = true, Prefixes = [$"192.168.96.1{node[1..]}/20"],
                Peers = [.. Names.Where(name => name != node).Select(static name => new PeerStatus { Node = name, Link = "eth0", Source = "Wire", HearsUs = true, Ready = true })],
                Owned = node == "n2" ? 1 : 0,
            },
        ],
        Addresses =
        [
            new VipStatus
            {
                Address = Vip, Pool = "default", Services = ["prod/web"], Link = "eth0", Phase = node == "n2" ? "Owner" : "Away", Owner = "n2",
                Mac = node == "n2" ? MacOf(node) : null, Since = node == "n2" ? Now - TimeSpan.FromHours(3) : null, Served = true,
            },
        ],
        Candidates = [.. Names.Select(static name => new CandidateStatus { Address = Vip, On = "eth0", Node = name, Link = "eth0", Why = "None" })],
    };

    public static string MacOf(string node) => $"52:54:00:00:00:0{node[1..]}";

    /// <summary>The same with each speaker changed.</summary>
    public static ClusterView WithSpeakers(this ClusterView view, Func<SpeakerStatus, SpeakerStatus> change) =>
        view with { Speakers = [.. view.Speakers!.Select(told => told with { Document = told.Document is null ? null : change(told.Document) })] };

    /// <summary>The same with the address in another state, as every speaker tells it.</summary>
    public static ClusterView WithAddress(this ClusterView view, Func<VipStatus, VipStatus> change) =>
        view.WithSpeakers(speaker => speaker with { Addresses = [.. speaker.Addresses.Select(change)] });

    private static ProgramStatus Program() => new() { Version = "0.1.0", StartedAt = Now - TimeSpan.FromDays(3), At = Now, Ready = true };
}
