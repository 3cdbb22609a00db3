using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Tests.Cluster;

/// <summary>Nodes with several interfaces on one wire: each address is answered with exactly one hardware address, the one that should.</summary>
public sealed class SeveralLinksTests
{
    private const string Vip = "192.168.96.100";
    private readonly VirtualCluster cluster = new(2);
    private readonly Dictionary<string, VirtualSwitch.Port> second = [];

    [Fact]
    public void TwoInterfacesOnOneLan_TheFirstByNameSpeaks()
    {
        AddLinks("192.168.96.2{0}/20");
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(3000, _ => Assert.InRange(Macs().Count, 0, 1));
        Assert.Equal(VirtualCluster.MacOf(Owner()), Assert.Single(Macs()));
    }

    [Theory]
    [InlineData("192.168.96.2{0}/20")]
    [InlineData(null)]
    [InlineData("10.0.0.{0}/24")]
    public void TwoInterfacesOnOneLan_ThePoolNamesTheSecond_ItSpeaks(string? prefix)
    {
        AddLinks(prefix);
        Name("eth1");
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(3000, _ => Assert.InRange(Macs().Count, 0, 1));
        Assert.Equal(SecondMacOf(Owner()), Assert.Single(Macs()));
        Assert.Equal("nodeAssigned", Assert.Single(cluster.Api.Events).Reason);
    }

    [Fact]
    public void TwoInterfacesOnOneLan_OnlyTheSecondHasTheSubnet_ItSpeaks()
    {
        foreach (var speaker in cluster.Speakers)
        {
            speaker.Port.Facts = speaker.Port.Facts with { Prefixes = [IpPrefix.Parse($"10.0.0.{speaker.Name[1..]}/24")] };
        }

        AddLinks("192.168.96.2{0}/20");
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(3000, _ => Assert.InRange(Macs().Count, 0, 1));
        Assert.Equal(SecondMacOf(Owner()), Assert.Single(Macs()));
    }

    [Fact]
    public void PoolNamesTheOtherInterface_TheNodeGoesOnThere_InTheSameTermAndWithoutANewEvent()
    {
        AddLinks("192.168.96.2{0}/20");
        cluster.Api.PutService("web", Vip, ["n1"]);

        // The node that is not the first in the order has it: it must not lose it for changing its interface.
        var first = new NodeResource { Key = new ObjectKey("", cluster.Order(Vip)[0]) };
        cluster.Api.PutNode(first with { ResourceVersion = "1001", NetworkUnavailable = true });
        cluster.Run(3000);
        cluster.Api.PutNode(first with { ResourceVersion = "1002" });
        cluster.Run(3000);
        var owner = cluster.Order(Vip)[1];
        Assert.Equal(VirtualCluster.MacOf(owner), Assert.Single(Macs()));
        var events = cluster.Api.Events.Count;

        Name("eth1");
        cluster.Run(2000, at => Assert.InRange(Macs().Count, at > 50 ? 1 : 0, 1));
        Assert.Equal(SecondMacOf(owner), Assert.Single(Macs()));
        Assert.Contains(IpAddress.Parse(Vip), second[owner].Announced);
        Name("eth0");
        cluster.Run(2000, at => Assert.InRange(Macs().Count, at > 50 ? 1 : 0, 1));
        Assert.Equal(VirtualCluster.MacOf(owner), Assert.Single(Macs()));
        Assert.Equal(events, cluster.Api.Events.Count);
    }

    [Fact]
    public void InterfaceThatComesLater_AndIsFirstByName_ListensBeforeItSpeaks()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(2000);
        var owner = Owner();
        AddLink(owner, "192.168.96.25/20", "ens0");
        cluster.Run(3000, at => Assert.Single(Macs()));
        AddLink(owner, "192.168.96.26/20", "aaa0", "52:54:00:00:02:01");
        cluster.Run(3000, at => Assert.Single(Macs()));
        Assert.Equal("52:54:00:00:02:01", Assert.Single(Macs()));
    }

    [Fact]
    public void CableOfTheInterfaceThatSpeaks_IsPulled_TheNodeGoesOnByTheOther()
    {
        AddLinks("192.168.96.2{0}/20");
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(3000);
        var owner = Owner();
        var port = cluster[owner].Port;
        port.Plugged = false;
        port.Facts = port.Facts with { Carrier = false };
        cluster.Run(2000, at => Assert.InRange(Macs().Count, at > 100 ? 1 : 0, 1));
        Assert.Equal(SecondMacOf(owner), Assert.Single(Macs()));
    }

    /// <summary>A macvlan hears neither its parent nor is heard by it, and has a hardware address of its own.</summary>
    [Theory]
    [InlineData(null, false)]
    [InlineData("mac0", true)]
    public void MacvlanOfALink_IsOnItsWire_AndOneOfThemSpeaks(string? named, bool child)
    {
        cluster.Switch.Passes = static (from, to) => from.Node != to.Node;
        foreach (var speaker in cluster.Speakers)
        {
            AddLink(speaker.Name, $"192.168.96.2{speaker.Name[1..]}/20", "mac0", wire: speaker.Port.Facts.Wire);
        }

        if (named is not null)
        {
            Name(named);
        }

        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(3000, _ => Assert.InRange(Macs().Count, 0, 1));
        Assert.Equal(child ? SecondMacOf(Owner()) : VirtualCluster.MacOf(Owner()), Assert.Single(Macs()));
    }

    [Fact]
    public void SpeakerOfTheOwnerIsAway_TheDeputyAnswersWithTheInterfaceThatSpoke()
    {
        AddLinks("192.168.96.2{0}/20");
        Name("eth1");
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(3000);
        var owner = Owner();
        cluster[owner].Kill();
        cluster.Run(5000);
        Assert.Equal(SecondMacOf(owner), Assert.Single(Macs()));
    }

    [Fact]
    public void NobodyMayOwn_EveryInterfaceOfEveryNodeIsExplained()
    {
        AddLinks("192.168.96.2{0}/20");
        Name("lan9");
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(8000);
        var told = Assert.Single(cluster.Api.Events);
        Assert.Equal("announceFailed", told.Reason);
        Assert.Contains("names the interfaces lan9, and no node has one of them here (", told.Message, StringComparison.Ordinal);
        Assert.Contains("n1 has eth0, eth1", told.Message, StringComparison.Ordinal);
        Assert.Contains("n2 has eth0, eth1", told.Message, StringComparison.Ordinal);

        cluster.Api.PutService("local", "192.168.96.101", ["n9"], policy: "Local");
        Name("eth1");
        cluster.Run(8000);
        Assert.Contains(cluster.Api.Events, e => e.Service == "default/local" && e.Reason == "NoEligibleNode"
            && e.Message.Contains("the pool does not name its interface eth0", StringComparison.Ordinal)
            && e.Message.Contains("it has no serving endpoint", StringComparison.Ordinal));
    }

    private IReadOnlyList<string> Macs() =>
        [.. cluster.Speakers.Where(speaker => speaker.Running).SelectMany(speaker => speaker.MacsFor(Vip)).Distinct()];

    private string Owner() => Assert.Single(cluster.Speakers, speaker => speaker.MacsFor(Vip).Any()).Name;

    private static string SecondMacOf(string node) => $"52:54:00:00:01:0{node[1..]}";

    private void AddLinks(string? prefix)
    {
        foreach (var speaker in cluster.Speakers)
        {
            AddLink(speaker.Name, prefix is null ? null : string.Format(null, prefix, speaker.Name[1..]));
        }
    }

    private void AddLink(string node, string? prefix, string name = "eth1", string? mac = null, long? wire = null)
    {
        var port = cluster.Switch.Connect(node, mac ?? SecondMacOf(node), prefix, name);
        port.Facts = wire is { } shared ? port.Facts with { Wire = shared } : port.Facts;
        second[node] = port;
        cluster[node].AddLink(port);
    }

    private void Name(params string[] interfaces)
    {
        cluster.Api.Pools = new PoolConfig([cluster.Api.Pools!.Pools[0] with { Interfaces = interfaces }]);
        cluster.Speakers.ForEach(static speaker => speaker.Pipeline.FactsChanged());
    }
}
