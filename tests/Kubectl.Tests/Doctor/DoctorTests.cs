using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubectl.Doctor;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Tests.Doctor;

public sealed class DoctorTests
{
    private const string Believed = "52:54:00:00:00:02";
    private const string Stranger = "aa:bb:cc:dd:ee:ff";

    private const string Table =
        """
        IP address       HW type     Flags       HW address            Mask     Device
        192.168.96.100   0x1         0x2         52:54:00:00:00:02     *        eth0
        192.168.96.101   0x1         0x0         00:00:00:00:00:00     *        eth0
        """;

    [Fact]
    public void ClusterInWhichAllIsWell_HasNoFinding_AndEverybodyHearsEverybody()
    {
        var report = DoctorReport.Of(Views.Well, Views.Now, TimeSpan.Zero, null);

        Assert.Empty(report.Findings);
        Assert.Equal(6, report.Hearing.Count);
        Assert.All(report.Hearing, hearing => Assert.Equal("both", hearing.How));
        Assert.Contains("n1      .      both   both", DoctorText.Of(report, isColoured: false), StringComparison.Ordinal);
    }

    [Fact]
    public void ExcludeLabelMtuClockAndSlowServer_AreFindingsWithRemedies()
    {
        var view = Views.Well.WithSpeakers(speaker => speaker.Node == "n3"
            ? speaker with { Links = [speaker.Links[0] with { Mtu = 9000 }], Program = speaker.Program with { At = Views.Now.AddMinutes(5) } } : speaker) with
        {
            Nodes = [.. Views.Names.Select(static name => new NodeResource
            {
                Key = new ObjectKey("", name), Labels = name == "n1" ? new Dictionary<string, string> { ["node.kubernetes.io/exclude-from-external-load-balancers"] = "" } : new Dictionary<string, string>(),
            })],
        };

        var report = DoctorReport.Of(view, Views.Now, TimeSpan.FromSeconds(3), null);

        Assert.Equal(
            [
                "node n1 announces nothing: it has the label node.kubernetes.io/exclude-from-external-load-balancers",
                "links of one subnet have different MTUs: n1 eth0 1500, n2 eth0 1500, n3 eth0 9000",
                "the clock of node n3 and this machine's are 300 s apart",
                "the API server took 3.0 s to tell all this",
            ],
            report.Findings.Select(finding => finding.What));
        Assert.All(report.Findings, finding => Assert.NotEmpty(finding.Remedy));
    }

    [Theory]
    [InlineData("192.168.96.100", "52:54:00:00:00:02")]
    [InlineData("192.168.96.101", null)]
    [InlineData("192.168.96.10", null)]
    public void NeighbourTable_TellsWhoAnswered(string address, string? mac) => Assert.Equal(mac, Neighbours.Find(Table, address));

    [Theory]
    [InlineData("fd00::1 dev eth0 lladdr 52:54:00:00:00:02 router REACHABLE \n", "52:54:00:00:00:02")]
    [InlineData("fd00::1 dev eth0 FAILED\n", null)]
    [InlineData("fd00::1 dev eth0 INCOMPLETE\n", null)]
    [InlineData("", null)]
    public void IPv6NeighbourShown_TellsWhoAnswered(string shown, string? mac) => Assert.Equal(mac, Neighbours.FindShown(shown));

    public static TheoryData<string?, string[], string?> Answers => new()
    {
        { Believed, [Believed], null },
        { Believed.ToUpperInvariant(), [Believed], null },
        { Believed, [], "nobody answers for 192.168.96.100 as seen from here" },
        { null, [], null },
        { null, [Believed], null },
        { Believed, [Stranger], "aa:bb:cc:dd:ee:ff answers for 192.168.96.100 as seen from here, and the cluster believes in 52:54:00:00:00:02" },
        { Believed, [Believed, Stranger], "2 answer for 192.168.96.100: 52:54:00:00:00:02 and aa:bb:cc:dd:ee:ff; the cluster believes in 52:54:00:00:00:02" },
        { null, [Believed, Stranger], "2 answer for 192.168.96.100: 52:54:00:00:00:02 and aa:bb:cc:dd:ee:ff" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public void WireThatSaysOtherwise_IsAnError(string? expected, string[] answers, string? what)
    {
        var row = new HereRow(Views.Vip, expected, "wire", ["eth0"], [.. answers.Select(static mac => new HereAnswer(mac, 0.4))]);

        var finding = DoctorReport.Of(Views.Well, Views.Now, TimeSpan.Zero, [row]).Findings.SingleOrDefault();

        Assert.Equal((what, what is null ? null : "error"), (finding?.What, finding?.Severity));
    }

    [Fact]
    public void SlowAnswer_IsAWarning_AndThisMachinesOwnAddressIsNoneThatNobodyAnswersFor()
    {
        var slow = new HereRow(Views.Vip, Believed, "wire", ["eth0"], [new HereAnswer(Believed, 350)]);
        var ours = new HereRow(Views.Vip, Believed, "wire", ["eth0"], [], IsOurs: true);

        Assert.Equal("the answer for 192.168.96.100 took 350 ms", Assert.Single(slow.Findings).What);
        Assert.Empty(ours.Findings);
    }

    [Fact]
    public void Link_ToAskOn_IsTheOneInTheSubnet_ElseEveryOneOfTheFamily()
    {
        LocalLink[] links = [new("eth0", 2, default, [IpPrefix.Parse("192.168.96.7/20"), IpPrefix.Parse("fd00:96::7/64")]), new("eth1", 3, default, [IpPrefix.Parse("10.0.0.7/24")])];

        Assert.Equal(["eth0"], LocalLink.For(links, IpAddress.Parse("192.168.96.100")).Select(static link => link.Name));
        Assert.Equal(["eth0", "eth1"], LocalLink.For(links, IpAddress.Parse("172.16.0.1")).Select(static link => link.Name));
        Assert.Equal(["eth0"], LocalLink.For(links, IpAddress.Parse("2001:db8::1")).Select(static link => link.Name));
    }

    [Fact]
    public void KeyThatOthersDoNotAccept_IsAnError_AndOneOfARotationAWarning()
    {
        SpeakerStatus With(SpeakerStatus speaker, params string[] accepted) => speaker with { Key = new KeyStatus { Signing = speaker.Node == "n3" ? "bb" : "aa", Accepted = accepted } };

        var other = Assert.Single(DoctorReport.Of(Views.Well.WithSpeakers(speaker => With(speaker, speaker.Node == "n3" ? "bb" : "aa")), Views.Now, TimeSpan.Zero, null).Findings);
        Assert.Equal(("error", "n3: signs with a heartbeat key that n1, n2 does not accept: they do not hear each other"), (other.Severity, other.What));

        var rotation = Assert.Single(DoctorReport.Of(Views.Well.WithSpeakers(speaker => With(speaker, "aa", "bb")), Views.Now, TimeSpan.Zero, null).Findings);
        Assert.Equal("warning", rotation.Severity);

        Assert.Empty(DoctorReport.Of(Views.Well.WithSpeakers(speaker => speaker with { Key = new KeyStatus { Signing = "aa", Accepted = ["aa"] } }), Views.Now, TimeSpan.Zero, null).Findings);
    }

    [Fact]
    public void RightThatAProgramLacks_IsNamed_AndThatItCouldNotBeAskedIsSaid()
    {
        var missing = new Rights([new MissingRight("speaker", "list", "secrets", "loadbalancer-system", "heartbeat-key"), new MissingRight("speaker", "watch", "secrets", "loadbalancer-system", "heartbeat-key")]);

        var finding = Assert.Single(DoctorReport.Of(Views.Well, Views.Now, TimeSpan.Zero, null, missing).Findings);
        Assert.Equal(("error", "the speaker may not list, watch secrets heartbeat-key in loadbalancer-system"), (finding.Severity, finding.What));
        Assert.Equal("warning", Assert.Single(DoctorReport.Of(Views.Well, Views.Now, TimeSpan.Zero, null, new Rights(null)).Findings).Severity);
        Assert.Empty(DoctorReport.Of(Views.Well, Views.Now, TimeSpan.Zero, null, new Rights([])).Findings);
    }
}
