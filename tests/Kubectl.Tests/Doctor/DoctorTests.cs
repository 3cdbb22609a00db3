using LoadBalancer.Kubectl.Doctor;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubectl.Tests.Doctor;

public sealed class DoctorTests
{
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
    [InlineData("52:54:00:00:00:02", "52:54:00:00:00:02", null)]
    [InlineData("aa:bb:cc:dd:ee:ff", "52:54:00:00:00:02", "aa:bb:cc:dd:ee:ff answers for 192.168.96.100 as seen from here, and the cluster believes in 52:54:00:00:00:02")]
    [InlineData(null, "52:54:00:00:00:02", "nobody answers for 192.168.96.100 as seen from here")]
    [InlineData(null, null, null)]
    public void WireThatSaysOtherwise_IsAnError(string? found, string? expected, string? what)
    {
        var report = DoctorReport.Of(Views.Well, Views.Now, TimeSpan.Zero, [new HereRow(Views.Vip, expected, found, null)]);

        Assert.Equal(what, report.Findings.SingleOrDefault()?.What);
    }
}
