using CsCheck;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;
using static LoadBalancer.Speaker.Links.NetlinkMessages;

namespace LoadBalancer.Speaker.Tests.Links;

public sealed class LinkSelectionTests
{
    private const InterfaceFlags Ordinary =
        InterfaceFlags.Up | InterfaceFlags.Broadcast | InterfaceFlags.Running | InterfaceFlags.LowerUp;

    private static readonly LinkSelection Selection = new(LinkSelection.DefaultExclude);

    private readonly InterfaceTable table = new();

    [Fact]
    public void EthernetInterface_WithItsAddresses_IsALink()
    {
        Take(NetlinkBytes.Link(NewLink, 2, "eth0"));
        Take(NetlinkBytes.Address(NewAddress, 2, "192.168.96.11/20"));
        Take(NetlinkBytes.Address(NewAddress, 2, "fd00:96::11/64"));
        Take(NetlinkBytes.Address(NewAddress, 2, "fe80::5054:ff:fe00:1/64"));
        Take(NetlinkBytes.Address(NewAddress, 2, "169.254.3.4/16"));

        var link = Assert.Single(Select());
        Assert.Equal(("eth0", 2, "52:54:00:00:00:01", true), (link.Name, link.Index, link.Mac.ToString(), link.Carrier));
        Assert.Equal(["192.168.96.11/20", "fd00:96::11/64"], link.Prefixes.Select(prefix => prefix.ToString()));
    }

    [Theory]
    [InlineData(null, 1500)]
    [InlineData(1400, 1400)]
    [InlineData(9000, 9000)]
    public void Mtu_IsThatOfTheInterface(int? told, int expected)
    {
        Take(NetlinkBytes.Link(NewLink, 2, "eth0", mtu: told));
        Assert.Equal(expected, Assert.Single(Select()).Mtu);
    }

    [Theory]
    [InlineData("eth0", LinkExclusion.None)]
    [InlineData("wlan0", LinkExclusion.None)]
    [InlineData("bond0.100", LinkExclusion.None)]
    [InlineData("br0", LinkExclusion.None)]
    [InlineData("dockerhost", LinkExclusion.Name)]
    [InlineData("docker0", LinkExclusion.Name)]
    [InlineData("cbr0", LinkExclusion.Name)]
    [InlineData("dummy0", LinkExclusion.Name)]
    [InlineData("virbr0", LinkExclusion.Name)]
    [InlineData("lxcbr0", LinkExclusion.Name)]
    [InlineData("veth1234", LinkExclusion.Name)]
    [InlineData("lo", LinkExclusion.Name)]
    [InlineData("lo1", LinkExclusion.None)]
    [InlineData("cali12ab", LinkExclusion.Name)]
    [InlineData("tunl0", LinkExclusion.Name)]
    [InlineData("flannel.1", LinkExclusion.Name)]
    [InlineData("kube-ipvs0", LinkExclusion.Name)]
    [InlineData("cni0", LinkExclusion.Name)]
    [InlineData("nodelocaldns", LinkExclusion.Name)]
    [InlineData("lxc12ab", LinkExclusion.Name)]
    [InlineData("vxlan.calico", LinkExclusion.Name)]
    [InlineData("br-0123456789ab", LinkExclusion.Name)]
    [InlineData("podman1", LinkExclusion.Name)]
    [InlineData("lxdbr0", LinkExclusion.Name)]
    [InlineData("incusbr0", LinkExclusion.Name)]
    [InlineData("nerdctl0", LinkExclusion.Name)]
    [InlineData("cilium_host", LinkExclusion.Name)]
    [InlineData("cilium_net", LinkExclusion.Name)]
    [InlineData("antrea-gw0", LinkExclusion.Name)]
    [InlineData("genev_sys_6081", LinkExclusion.Name)]
    [InlineData("ovn-k8s-mp0", LinkExclusion.Name)]
    [InlineData("weave", LinkExclusion.Name)]
    [InlineData("vethwe-bridge", LinkExclusion.Name)]
    [InlineData("kube-bridge", LinkExclusion.Name)]
    [InlineData("tailscale0", LinkExclusion.Name)]
    [InlineData("wg0", LinkExclusion.Name)]
    [InlineData("br-lan", LinkExclusion.None)]
    [InlineData("br-ex", LinkExclusion.None)]
    [InlineData("weaver", LinkExclusion.None)]
    [InlineData("vxlan.calico2", LinkExclusion.None)]
    [InlineData("enp1s0", LinkExclusion.None)]
    [InlineData("ovs0", LinkExclusion.None)]
    public void DefaultExclusions_ByName(string name, LinkExclusion expected) =>
        Assert.Equal(expected, Judge(NetlinkBytes.Link(NewLink, 2, name)));

    [Theory]
    [InlineData("vxlan", LinkExclusion.Kind)]
    [InlineData("geneve", LinkExclusion.Kind)]
    [InlineData("gretap", LinkExclusion.Kind)]
    [InlineData("wireguard", LinkExclusion.Kind)]
    [InlineData("tun", LinkExclusion.Kind)]
    [InlineData("dummy", LinkExclusion.Kind)]
    [InlineData("macvtap", LinkExclusion.Kind)]
    [InlineData("ipvtap", LinkExclusion.SharesAddress)]
    [InlineData("ipvlan", LinkExclusion.SharesAddress)]
    [InlineData("macvlan", LinkExclusion.None)]
    [InlineData("vlan", LinkExclusion.None)]
    [InlineData("bond", LinkExclusion.None)]
    [InlineData("veth", LinkExclusion.None)]
    [InlineData("", LinkExclusion.None)]
    public void DefaultExclusions_ByKind_WhateverTheName(string kind, LinkExclusion expected) =>
        Assert.Equal(expected, Judge(NetlinkBytes.Link(NewLink, 2, "overlay0", kind: kind)));

    [Fact]
    public void ListOfTheOperator_IsInPlaceOfTheDefault_ForKindsToo()
    {
        Take(NetlinkBytes.Link(NewLink, 2, "vx0", kind: "vxlan"));
        Take(NetlinkBytes.Link(NewLink, 3, "gen0", kind: "geneve"));
        Take(NetlinkBytes.Link(NewLink, 4, "eth0"));

        Assert.Equal(["vx0"], new LinkSelection(["^eth0$", "kind:geneve"]).Select(table).Select(link => link.Name));
    }

    [Fact]
    public void Macvlan_IsOnTheWireOfItsParent_AVlanIsNot()
    {
        Take(NetlinkBytes.Link(NewLink, 2, "eth0"));
        Take(NetlinkBytes.Link(NewLink, 3, "mac0", kind: "macvlan", parent: 2));
        Take(NetlinkBytes.Link(NewLink, 4, "mac1", kind: "macvlan", parent: 3));
        Take(NetlinkBytes.Link(NewLink, 5, "eth0.7", kind: "vlan", parent: 2));
        Take(NetlinkBytes.Link(NewLink, 6, "mac7", kind: "macvlan", parent: 5));

        // Of an interface of another namespace, whose number may be that of a different one here.
        Take(NetlinkBytes.Link(NewLink, 7, "ext0", kind: "macvlan", parent: 2, parentNamespace: 0));
        Take(NetlinkBytes.Link(NewLink, 8, "ext1", kind: "macvlan", parent: 2, parentNamespace: 0));
        Take(NetlinkBytes.Link(NewLink, 9, "gone0", kind: "macvlan", parent: 99));
        Take(NetlinkBytes.Link(NewLink, 10, "peer0", kind: "veth", parent: 2));

        var wires = Select().ToDictionary(link => link.Name, link => link.Wire);
        Assert.Equal(["eth0 mac0 mac1", "eth0.7 mac7", "ext0 ext1", "gone0", "peer0"],
            wires.GroupBy(link => link.Value).Select(wire => string.Join(' ', wire.Select(link => link.Key))).Order());
    }

    [Theory]
    [InlineData(Ordinary & ~InterfaceFlags.Up, LinkExclusion.Down)]
    [InlineData(Ordinary & ~InterfaceFlags.Broadcast, LinkExclusion.NoBroadcast)]
    [InlineData(Ordinary | InterfaceFlags.Loopback, LinkExclusion.NoBroadcast)]
    [InlineData(Ordinary | InterfaceFlags.NoArp, LinkExclusion.NoArp)]
    [InlineData(Ordinary & ~InterfaceFlags.LowerUp, LinkExclusion.None)]
    internal void Flags_Decide(InterfaceFlags flags, LinkExclusion expected) =>
        Assert.Equal(expected, Judge(NetlinkBytes.Link(NewLink, 2, "eth0", flags)));

    [Theory]
    [InlineData(32, "52:54:00:00:00:01")]
    [InlineData(1, "00:00:00:00:00:00")]
    [InlineData(1, "01:00:5e:00:00:01")]
    [InlineData(1, "52:54:00:00:00:01:02:03")]
    public void InterfaceWithoutAMacOfItsOwn_IsNoLink(ushort hardwareType, string mac) =>
        Assert.Equal(LinkExclusion.NotEthernet, Judge(NetlinkBytes.Link(NewLink, 2, "eth0", hardwareType: hardwareType, mac: mac)));

    [Theory]
    [InlineData("bridge", LinkExclusion.Port)]
    [InlineData("bond", LinkExclusion.Port)]
    [InlineData("team", LinkExclusion.Port)]
    [InlineData("", LinkExclusion.Port)]
    [InlineData("vrf", LinkExclusion.None)]
    public void PortOfAnotherInterface_IsNoLink_UnlessThatIsAVrf(string masterKind, LinkExclusion expected) =>
        Assert.Equal(expected, Judge(NetlinkBytes.Link(NewLink, 2, "eth0", master: 9, masterKind: masterKind)));

    [Fact]
    public void Bridge_IsALinkOnceTheNodeHasAnAddressOnIt()
    {
        Take(NetlinkBytes.Link(NewLink, 5, "br0", kind: "bridge"));
        Take(NetlinkBytes.Address(NewAddress, 5, "fe80::1/64"));
        Assert.Empty(Select());

        Take(NetlinkBytes.Address(NewAddress, 5, "192.168.96.11/20"));
        Assert.Single(Select());
    }

    [Theory]
    [InlineData(Ordinary, true)]
    [InlineData(Ordinary & ~InterfaceFlags.LowerUp, false)]
    [InlineData(Ordinary & ~InterfaceFlags.Running, false)]
    internal void Carrier_NeedsTheWireAndTheOperationalState(InterfaceFlags flags, bool expected)
    {
        Take(NetlinkBytes.Link(NewLink, 2, "eth0", flags));

        Assert.Equal(expected, Assert.Single(Select()).Carrier);
    }

    [Fact]
    public void TemporaryAddresses_AreLeftOut_SecondaryOnesAreNot()
    {
        const byte TemporaryOrSecondary = 0x01;
        Take(NetlinkBytes.Link(NewLink, 2, "eth0"));
        Take(NetlinkBytes.Address(NewAddress, 2, "fd00:96::11/64"));
        Take(NetlinkBytes.Address(NewAddress, 2, "fd00:96::a1b2:c3d4/64", flags: TemporaryOrSecondary));
        Take(NetlinkBytes.Address(NewAddress, 2, "192.168.96.11/20", flags: TemporaryOrSecondary));

        Assert.Equal(["fd00:96::11/64", "192.168.96.11/20"], Assert.Single(Select()).Prefixes.Select(prefix => prefix.ToString()));
    }

    [Fact]
    public void PointToPointAddress_IsOurEndOfIt()
    {
        Take(NetlinkBytes.Link(NewLink, 2, "eth0"));
        Take(NetlinkBytes.Address(NewAddress, 2, "10.0.0.1/32", pointToPoint: "10.0.0.2"));

        Assert.Equal("10.0.0.1/32", Assert.Single(Assert.Single(Select()).Prefixes).ToString());
    }

    [Fact]
    public void Deletions_TakeEffect()
    {
        Take(NetlinkBytes.Link(NewLink, 2, "eth0"));
        Take(NetlinkBytes.Address(NewAddress, 2, "10.0.0.1/24"));
        Take(NetlinkBytes.Address(DeleteAddress, 2, "10.0.0.1/24"));
        Assert.Empty(Assert.Single(Select()).Prefixes);

        Take(NetlinkBytes.Link(DeleteLink, 2, "eth0"));
        Assert.Empty(Select());
    }

    [Theory]
    [InlineData(7, "eth0")]
    [InlineData(0, null)]
    public void PortLeavingABridge_OrAWirelessEvent_IsNotTheInterfaceGoing(byte family, string? name)
    {
        Take(NetlinkBytes.Link(NewLink, 2, "eth0"));

        Take(NetlinkBytes.Link(DeleteLink, 2, name, family: family));

        Assert.Single(Select());
    }

    [Fact]
    public void Dump_ForgetsWhatItDoesNotMention_ButNotWhatIsToldMeanwhile()
    {
        Take(NetlinkBytes.Link(NewLink, 2, "eth0"));
        Take(NetlinkBytes.Link(NewLink, 3, "eth1"));
        Take(NetlinkBytes.Address(NewAddress, 2, "10.0.0.1/24"));
        Take(NetlinkBytes.Address(NewAddress, 2, "10.0.0.2/24"));

        table.BeginDump();
        Take(NetlinkBytes.Link(NewLink, 2, "eth0"));
        Take(NetlinkBytes.Address(NewAddress, 2, "10.0.0.2/24"));
        Take(NetlinkBytes.Link(NewLink, 4, "eth2"));
        Assert.Equal(3, Select().Count);
        table.EndDump();

        Assert.Equal(["eth0", "eth2"], Select().Select(link => link.Name));
        Assert.Equal("10.0.0.2/24", Assert.Single(Select()[0].Prefixes).ToString());
    }

    [Fact]
    public void Messages_CutAtEveryLength_DoNotThrowAndSayNothingFalse()
    {
        byte[] datagram =
        [
            .. NetlinkBytes.Link(NewLink, 2, "eth0", kind: "veth", master: 3, masterKind: "vrf"),
            .. NetlinkBytes.Address(NewAddress, 2, "10.0.0.1/24"),
        ];
        for (var length = 0; length <= datagram.Length; length++)
        {
            Take(datagram[..length]);
            Assert.True(Select() is [] or [{ Name: "eth0", Prefixes: [] or [{ Length: 24 }] }]);
        }
    }

    [Fact]
    public void AnyOctets_DoNotThrow() =>
        Gen.Select(Gen.Int[16, 21], Gen.Byte.Array[0, 120]).Sample(
            (type, body) =>
            {
                var fresh = new InterfaceTable();
                Apply(fresh, NetlinkBytes.Message((ushort)type, body));
                Selection.Select(fresh);
            },
            iter: 20_000);

    [Fact]
    public void PatternThatIsNone_IsRefusedByName()
    {
        var e = Assert.ThrowsAny<ArgumentException>(() => new LinkSelection(["^eth[0$"]));
        Assert.Contains("^eth[0$", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LinkSet_RaisesChangedOnlyForSomethingNew()
    {
        var links = new LinkSet();
        var changes = 0;
        links.Changed += () => changes++;

        links.Update([FakeLink.FactsOf("eth0", 2)]);
        links.Update([FakeLink.FactsOf("eth0", 2)]);
        Assert.Equal(1, changes);

        links.Update([FakeLink.FactsOf("eth0", 2, carrier: false)]);
        links.Update([FakeLink.FactsOf("eth0", 2, carrier: false) with { Prefixes = [] }]);
        links.Update([]);
        Assert.Equal(4, changes);
    }

    private static void Apply(InterfaceTable table, byte[] datagram)
    {
        ReadOnlySpan<byte> rest = datagram;
        while (TryTake(ref rest, out var message))
        {
            table.Apply(message);
        }
    }

    private void Take(byte[] datagram) => Apply(table, datagram);

    private IReadOnlyList<LinkFacts> Select() => Selection.Select(table);

    private LinkExclusion Judge(byte[] link)
    {
        Take(link);
        return Selection.Judge(Assert.Single(table.Interfaces), new List<IpPrefix>());
    }
}
