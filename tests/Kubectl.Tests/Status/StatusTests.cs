using System.Text.Json;
using System.Text.Json.Nodes;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubectl.Output;
using LoadBalancer.Kubectl.Status;
using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Tests.Status;

public sealed class StatusTests
{
    [Fact]
    public void ClusterInWhichAllIsWell_HasNoProblem()
    {
        var report = StatusMaker.Of(Views.Well);

        Assert.Empty(report.Problems);
        var row = Assert.Single(report.Addresses);
        Assert.Equal((nameof(AddressState.Announced), "n2", "eth0", Views.MacOf("n2")), (row.State, Assert.Single(row.Nodes), row.Link, row.Mac));
        Assert.All(report.Speakers, speaker => Assert.Equal((2, 2, "ready", "process"), (speaker.HeardBy, speaker.Peers, speaker.State, speaker.Answering)));
        Assert.Equal("leader", Assert.Single(report.Controllers).State);
    }

    [Fact]
    public void WhatIsWrong_ComesFirst_ErrorsBeforeWarnings()
    {
        var view = Views.Well.WithSpeakers(speaker => speaker.Node == "n1" ? speaker with { Warnings = ["Wi-Fi"], Program = speaker.Program with { Ready = false, Missing = new Dictionary<string, string> { ["links"] = "none is open" } } } : speaker);

        var text = StatusText.Of(StatusMaker.Of(view), Views.Now, isColoured: false);

        Assert.StartsWith("ERROR  the speaker of node n1 is not ready: links: none is open\n", text, StringComparison.Ordinal);
        Assert.True(text.IndexOf("WARNING", StringComparison.Ordinal) < text.IndexOf("POOL", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true, nameof(AddressState.Split))]
    [InlineData(false, nameof(AddressState.Announced))]
    public void TwoOwners_AreASplitOnOneSegment_AndWellOnTwo(bool oneSegment, string state)
    {
        var view = Views.Well.WithSpeakers(speaker => speaker.Node == "n3" ? speaker with
        {
            Addresses = [speaker.Addresses[0] with { Phase = "Owner", Owner = "n3", Mac = Views.MacOf("n3") }],
            Links = [speaker.Links[0] with { Prefixes = [oneSegment ? "192.168.96.13/20" : "10.0.0.3/24"] }],
        } : speaker);
        view = oneSegment ? view : view.WithSpeakers(speaker => speaker with { Links = [speaker.Links[0] with { Peers = [] }] });

        Assert.Equal(state, Assert.Single(StatusMaker.Of(view).Addresses).State);
    }

    [Fact]
    public void AddressThatNobodyAnnounces_IsAnError_ButNotForWantOfEndpoints()
    {
        var nobody = Views.Well.WithAddress(vip => vip with { Phase = "Away", Owner = null, Reason = "NoEligibleNode", Detail = "no node may own it" });
        var unserved = Views.Well.WithAddress(vip => vip with { Phase = "Away", Owner = null, Served = false, Reason = "NoServingEndpoint" });

        Assert.Contains("is announced by nobody: no node may own it", Assert.Single(StatusMaker.Of(nobody).Problems).What, StringComparison.Ordinal);
        Assert.Empty(StatusMaker.Of(unserved).Problems);
        Assert.Equal(nameof(AddressState.NoEndpoint), StatusMaker.Of(unserved).Addresses[0].State);
    }

    [Fact]
    public void SpeakerThatCannotBeAsked_IsAnError_AndItsAddressesAreUnknown()
    {
        var view = Views.Well with { Speakers = [.. Views.Well.Speakers!.Select(told => told.Pod == "speaker-n2" ? told with { Document = null, Failure = "no answer within 3 s" } : told)] };

        var report = StatusMaker.Of(view);

        Assert.Equal(nameof(AddressState.Unknown), Assert.Single(report.Addresses).State);
        Assert.Contains(report.Problems, problem => problem.What == "speaker speaker-n2 could not be asked: no answer within 3 s");
    }

    [Fact]
    public void NodeWithoutSpeaker_IsAWarning_UnlessItRunsWindows()
    {
        var view = Views.Well with
        {
            Nodes =
            [
                .. Views.Well.Nodes!, new() { Key = new("", "n4") },
                new() { Key = new("", "w1"), Labels = new Dictionary<string, string> { ["kubernetes.io/os"] = "windows" } },
            ],
        };

        Assert.Equal("node n4 has no speaker: it announces nothing", Assert.Single(StatusMaker.Of(view).Problems).What);
    }

    [Fact]
    public void ConflictQuarantineHearingAndVersions_AreTold()
    {
        var view = Views.Well.WithSpeakers(speaker => speaker.Node switch
        {
            "n1" => speaker with { Links = [speaker.Links[0] with { Peers = [speaker.Links[0].Peers[0] with { HearsUs = false }, speaker.Links[0].Peers[1] with { Source = "Lease" }] }] },
            "n2" => speaker with { Conflicts = [new StrangerStatus { Address = Views.Vip, Mac = "aa:bb:cc:dd:ee:ff", Link = "eth0" }], Quarantined = [new StrangerStatus { Address = "192.168.96.101", Mac = "aa:bb:cc:dd:ee:00", Link = "eth0" }] },
            _ => speaker with { Program = speaker.Program with { Version = "0.2.0" } },
        });

        var told = StatusMaker.Of(view).Problems.Select(problem => problem.What).ToArray();

        Assert.Equal(5, told.Length);
        Assert.Contains(told, what => what.Contains("aa:bb:cc:dd:ee:ff on eth0 uses it, too", StringComparison.Ordinal));
        Assert.Contains("192.168.96.101 of a pool is free, but aa:bb:cc:dd:ee:00 on eth0 has it: it is given to nobody", told);
        Assert.Contains("n2 does not hear n1 on eth0, though it is heard", told);
        Assert.Contains(told, what => what.StartsWith("n1 does not hear n3 on eth0", StringComparison.Ordinal));
        Assert.Contains("the programs have different versions: 0.1.0, 0.2.0", told);
    }

    [Theory]
    [InlineData("Stale", "the ConfigMap with the pools is gone")]
    [InlineData("NotLoaded", "there is no pool configuration")]
    public void ConfigurationThatIsNotInForce_IsAnError(string state, string begins)
    {
        var view = Views.Well with { Controllers = [new Told<ControllerStatus>("a", Views.Controller() with { Configuration = new ConfigurationStatus { State = state } }, null)] };

        Assert.StartsWith(begins, Assert.Single(StatusMaker.Of(view).Problems).What, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingRight_IsAnErrorWithTheRoleThatHasIt()
    {
        var view = new ClusterView { Unread = [new Unread("the Services", "403", IsForbidden: true)] };

        Assert.Contains("loadbalancer-viewer", Assert.Single(StatusMaker.Of(view).Problems).Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void JsonAndYaml_SayTheSame()
    {
        var report = StatusMaker.Of(Views.Well);

        var json = JsonNode.Parse(ReportJson.Write(report, ReportJson.Default.StatusReport, OutputFormat.Json))!;
        var yaml = ReportJson.Write(report, ReportJson.Default.StatusReport, OutputFormat.Yaml);

        Assert.Equal(("kubectl-lb.loadbalancer/v1", "Status"), ((string?)json["apiVersion"], (string?)json["kind"]));
        Assert.Equal(Views.Vip, (string?)json["addresses"]![0]!["address"]);
        Assert.Contains($"address: \"{Views.Vip}\"", yaml, StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Array, json["problems"]!.GetValueKind());
    }

    [Fact]
    public void TextFromTheCluster_CannotSteerTheTerminal()
    {
        var view = Views.Well.WithSpeakers(speaker => speaker with { Warnings = ["\e[2J gone"] });

        Assert.DoesNotContain('\e', StatusText.Of(StatusMaker.Of(view), Views.Now, isColoured: false));
    }

    [Theory]
    [InlineData(false, null, "xterm", true)]
    [InlineData(true, null, "xterm", false)]
    [InlineData(false, "1", "xterm", false)]
    [InlineData(false, null, "dumb", false)]
    public void Colour_IsForTerminalsThatAreNotToldOtherwise(bool redirected, string? noColor, string term, bool wanted) =>
        Assert.Equal(wanted, Paper.WantsColour(redirected, name => name == "NO_COLOR" ? noColor : name == "TERM" ? term : null));
}
