using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Links;

/// <summary>Why an interface is no link.</summary>
public enum LinkExclusion : byte
{
    /// <summary>It is one.</summary>
    None = 0,

    /// <summary>Not Ethernet, or without a hardware address of its own.</summary>
    NotEthernet,

    /// <summary>Its name matches <c>--interfaces-exclude</c>.</summary>
    Name,

    /// <summary>Its kind is one of <c>--interfaces-exclude</c>.</summary>
    Kind,

    /// <summary>It is administratively down.</summary>
    Down,

    /// <summary>It cannot broadcast: point-to-point, loopback.</summary>
    NoBroadcast,

    /// <summary>It speaks no ARP (NOARP).</summary>
    NoArp,

    /// <summary>It is a port of a bridge, bond or team, which is the link in its place.</summary>
    Port,

    /// <summary>It has its parent's hardware address (ipvlan): the parent is the link in its place.</summary>
    SharesAddress,

    /// <summary>It is a bridge without an address of the node: others' traffic passes, the node itself is not on it.</summary>
    BridgeWithoutAddress,
}

/// <summary>Decides which interfaces are links.</summary>
public sealed class LinkSelection
{
    private const ushort HardwareTypeEthernet = 1;

    // A VRF's ports keep their addresses and speak for themselves; a VRF has no wire.
    private const string KindVrf = "vrf";
    private const string KindBridge = "bridge";
    private const string KindIpvlan = "ipvlan";
    private const string KindIpvtap = "ipvtap";

    private readonly NamePatterns names;
    private readonly HashSet<string> kinds;

    /// <summary>A selection with what is no link.</summary>
    /// <param name="exclude">
    /// Regular expressions, searched for anywhere in the name unless anchored; <see cref="KindPrefix"/> before the kernel's name for a kind
    /// of interface excludes all of that kind (<c>ip -details link</c> shows it).
    /// </param>
    /// <exception cref="ArgumentException">One of them is no regular expression; the message says which and why.</exception>
    public LinkSelection(IEnumerable<string> exclude)
    {
        var all = exclude.ToLookup(static pattern => pattern.StartsWith(KindPrefix, StringComparison.Ordinal));
        names = new NamePatterns(all[false]);
        kinds = all[true].Select(static pattern => pattern[KindPrefix.Length..]).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>What comes before a kind in the list of what is no link.</summary>
    public const string KindPrefix = "kind:";

    /// <summary>
    /// What is excluded where the operator says nothing: the interfaces of containers, container networks and virtual machines'
    /// private networks. By kind where the kernel knows it, since names are up to whoever makes them.
    /// </summary>
    public static IReadOnlyList<string> DefaultExclude { get; } =
    [
        "^docker.*", "^cbr.*", "^dummy.*", "^virbr.*", "^lxcbr.*", "^veth.*", "^lo$", "^cali.*", "^tunl.*", "^flannel.*",
        "^kube-ipvs.*", "^cni.*", "^nodelocaldns.*", "^lxc.*",
        "^vxlan[.]calico$", "^br-[0-9a-f]{12}$", "^podman.*", "^lxdbr.*", "^incusbr.*", "^nerdctl.*", "^cilium_.*", "^antrea-.*",
        "^genev_sys_.*", "^ovn-k8s-mp.*", "^weave$", "^vethwe-.*", "^kube-bridge$", "^tailscale.*", "^wg.*",
        "kind:dummy", "kind:vxlan", "kind:geneve", "kind:gretap", "kind:ip6gretap", "kind:erspan", "kind:ip6erspan", "kind:wireguard",
        "kind:tun", "kind:macvtap", "kind:netkit", "kind:ifb",
    ];

    /// <summary>The links among the interfaces, by index.</summary>
    internal IReadOnlyList<LinkFacts> Select(InterfaceTable table)
    {
        var links = new List<LinkFacts>();
        foreach (var candidate in table.Interfaces)
        {
            var addresses = table.AddressesOf(candidate.Index);
            if (Judge(candidate, addresses) == LinkExclusion.None)
            {
                var running = candidate.Flags.HasFlag(InterfaceFlags.Running | InterfaceFlags.LowerUp);
                links.Add(new LinkFacts(candidate.Name, candidate.Index, candidate.Mac, [.. addresses.Where(IsRoutable)], running)
                {
                    Wire = table.WireOf(candidate),
                    Mtu = candidate.Mtu,
                });
            }
        }

        links.Sort(static (a, b) => a.Index.CompareTo(b.Index));
        return links;
    }

    /// <summary>Whether an interface is a link, and if not, why: the first reason that applies, the cheap ones first.</summary>
    internal LinkExclusion Judge(InterfaceRecord candidate, IReadOnlyList<IpPrefix> addresses)
    {
        var flags = candidate.Flags;
        return !flags.HasFlag(InterfaceFlags.Up) ? LinkExclusion.Down
            : !flags.HasFlag(InterfaceFlags.Broadcast) || flags.HasFlag(InterfaceFlags.Loopback) ? LinkExclusion.NoBroadcast
            : flags.HasFlag(InterfaceFlags.NoArp) ? LinkExclusion.NoArp
            : candidate.HardwareType != HardwareTypeEthernet || candidate.Mac.Value == 0 || candidate.Mac.IsGroup ? LinkExclusion.NotEthernet
            : candidate.Master != 0 && candidate.MasterKind != KindVrf ? LinkExclusion.Port
            : candidate.Kind == KindBridge && !addresses.Any(IsRoutable) ? LinkExclusion.BridgeWithoutAddress
            : candidate.Kind is KindIpvlan or KindIpvtap ? LinkExclusion.SharesAddress
            : kinds.Contains(candidate.Kind) ? LinkExclusion.Kind
            : names.Match(candidate.Name) ? LinkExclusion.Name
            : LinkExclusion.None;
    }

    // 169.254.0.0/16 (RFC 3927) and fe80::/10 (RFC 4291 §2.5.6) say nothing about which subnet the wire carries.
    private static bool IsRoutable(IpPrefix prefix) => !IsLinkLocal(prefix.Address);

    /// <summary>Whether the address is of 169.254.0.0/16 or fe80::/10, which no pool can contain.</summary>
    internal static bool IsLinkLocal(IpAddress address) => address.Family == IpFamily.IPv4
        ? address.AsUInt32 >> 16 == 0xA9FE
        : address.Value >> 118 == 0xFE80 >> 6;
}
