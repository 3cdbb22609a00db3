using System.Globalization;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Status;

namespace LoadBalancer.Controller.Tests.StatusPage;

/// <summary>What a controller may have to tell.</summary>
internal static class Statuses
{
    public static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    public static ControllerStatus Empty { get; } = new()
    {
        Program = new ProgramStatus { Version = "1.2.0+0a4ca76f5b15c1a3edeb0f929618409497aabbcc", StartedAt = Now.AddDays(-3).AddHours(-4), At = Now, Ready = true },
        Replica = "controller-n1", Leading = true, Leader = "controller-n1", Current = true, Configuration = new ConfigurationStatus { State = "Loaded" },
    };

    /// <summary>A home cluster on an ordinary day, on which two things are wrong.</summary>
    public static ControllerStatus Home { get; } = Empty with
    {
        Pools =
        [
            new PoolStatus
            {
                Name = "default", Ranges = ["192.168.96.100-192.168.96.150", "192.168.96.160-192.168.96.191"], Reserved = ["192.168.96.120", "192.168.96.130-192.168.96.135"],
                Size = 83, InUse = 14, AutoAssign = true,
            },
            new PoolStatus { Name = "ipv6", Ranges = ["fd00:96::-fd00:96::ffff:ffff:ffff:ffff"], Size = 18446744073709551616d, InUse = 3, AutoAssign = true },
            new PoolStatus { Name = "edge", Ranges = ["192.168.97.0-192.168.97.7"], Size = 6, InUse = 1, AvoidBuggyIps = true, Priority = 10, Restricted = true, Interfaces = ["eth1"] },
        ],
        Services = [.. Enumerable.Range(0, 14).Select(i => Assignment(i, Ip(100 + i))), new AssignmentStatus
        {
            Namespace = "staging", Name = "web", Reason = "PoolUnknown", Detail = "there is no pool \"nowhere\"; there are default, edge, ipv6", Since = Now.AddMinutes(-12),
        }],
        Addresses =
        [
            .. Enumerable.Range(0, 14).Select(i => i switch
            {
                3 => Row(i, Ip(103), "Conflict", 1) with { Detail = "another host, 52:54:00:12:34:56, uses it, too" },
                7 => Row(i, Ip(107), "NoEndpoint", null) with { Detail = "no endpoint of the Service is ready" },
                9 => Row(i, Ip(109), "Represented", 2) with { Detail = "n2 answers for n3, whose speaker is away" },
                _ => Row(i, Ip(100 + i), "Announced", (i * 7 % 3) + 1),
            }),
            Row(20, "192.168.97.1", "Announced", 1) with { Pool = "edge" },
            .. Enumerable.Range(1, 3).Select(i => Row(i, $"fd00:96::{i:x}", "Announced", i) with { Pool = "ipv6" }),
        ],
        Excluded =
        [
            new ExcludedStatus { Address = Ip(121), Pool = "default", Kind = "Quarantined", Detail = "52:54:00:aa:bb:cc", Reason = "another host, 52:54:00:aa:bb:cc, answers for it" },
            new ExcludedStatus { Address = Ip(140), Pool = "default", Kind = "NodeAddress", Detail = "node n2", Reason = "the address of node n2" },
        ],
        Nodes = [Node("n1", 7), Node("n2", 5), Node("n3", 6) with { Links = [Link("n3", ["n1"], ["n2"])] }, new NodeStatus { Name = "win", Ready = true, IsWindows = true, Speaker = "None" }],
        Problems =
        [
            new ProblemStatus { Severity = "error", What = "192.168.96.103 (shop/web-3): another host, 52:54:00:12:34:56, uses it, too", Remedy = "find the host by its hardware address; take the address from it, or out of the pool" },
            new ProblemStatus { Severity = "error", What = "Service staging/web has no address: there is no pool \"nowhere\"", Remedy = "kubectl lb why -n staging web" },
            new ProblemStatus { Severity = "warning", What = "n2 and n3 do not hear each other on eth0, though they are in one subnet: between them addresses fail over in 40 s", Remedy = "let frames of EtherType 0x88B5 pass between the nodes' ports; kubectl lb doctor tells which way" },
        ],
        History =
        [
            Change(-20, "Node", null, "n2", "Normal", "Represents", "answers for n3 with 192.168.96.109"),
            Change(-32, "Node", null, "n3", "Normal", "SpeakerStopped", "speaker has stopped"),
            Change(-310, "Service", "shop", "web-13", "Normal", "AddressGiven", "has 192.168.96.113"),
            Change(-720, "Node", null, "n1", "Warning", "AddressInUse", "found 192.168.96.121 at 52:54:00:aa:bb:cc used by other hosts"),
            Change(-90000, "Node", null, "n1", "Normal", "Announces", "announces 192.168.96.100, 192.168.96.101, 192.168.96.102 and 4 more"),
        ],
        Changes = [Change(-715, "Service", "staging", "web", "Warning", "PoolUnknown", "there is no pool \"nowhere\"; there are default, edge, ipv6")],
    };

    /// <summary>As many Services as asked for on three nodes, in a pool of twice as many addresses at least.</summary>
    public static ControllerStatus Many(int services) => Empty with
    {
        Pools = [new PoolStatus { Name = "default", Ranges = ["10.0.0.0-10.0.15.255"], Size = 4096, InUse = services, AutoAssign = true }],
        Services = [.. Enumerable.Range(0, services).Select(i => Assignment(i, Wide(i)))],
        Addresses = [.. Enumerable.Range(0, services).Select(i => Row(i, Wide(i), "Announced", (i * 7919 % 3) + 1))],
        Nodes = [Node("n1", services / 3), Node("n2", services / 3), Node("n3", services / 3)],
    };

    public static NodeStatus Node(string name, int announces) => new()
    {
        Name = name, Ready = true, Speaker = "Alive", Version = "1.2.0", Since = Now.AddDays(-3), MayOwn = true, Announces = announces,
        Links = [Link(name, [.. new[] { "n1", "n2", "n3" }.Where(other => other != name && (name, other) is not ("n2", "n3"))], name == "n2" ? ["n3"] : [])],
    };

    public static AddressStatus Row(int number, string address, string state, int? node) => new()
    {
        Address = address, Pool = "default", Services = [$"shop/web-{number}"], State = state,
        Voices = node is { } by ? [new VoiceStatus { Node = $"n{by}", Link = "eth0", Since = Now.AddMinutes(-17 * (number + 1)) }] : [],
    };

    private static NodeLinkStatus Link(string node, string[] hears, string[] misses) =>
        new() { Name = "eth0", Prefixes = [$"192.168.96.1{node[^1]}/20"], Hears = hears, Misses = misses };

    private static AssignmentStatus Assignment(int number, string address) => new() { Namespace = "shop", Name = $"web-{number}", Addresses = [address] };

    private static ChangeStatus Change(int seconds, string kind, string? space, string name, string type, string reason, string message) =>
        new() { At = Now.AddSeconds(seconds), Kind = kind, Namespace = space, Name = name, Type = type, Reason = reason, Message = message };

    private static string Ip(int last) => string.Create(CultureInfo.InvariantCulture, $"192.168.96.{last}");

    private static string Wide(int number) => IpAddress.Parse("10.0.0.1").Add((UInt128)number).ToString();
}
