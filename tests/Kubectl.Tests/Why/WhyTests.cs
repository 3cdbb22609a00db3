using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubectl.Why;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Tests.Why;

/// <summary>The chain of a Service, with one case for each reason that the programs know.</summary>
public sealed class WhyTests
{
    public static TheoryData<AllocationReason> AllocationReasons => [.. Enum.GetValues<AllocationReason>()];

    public static TheoryData<Ineligible> IneligibleReasons => [.. Enum.GetValues<Ineligible>().Where(static why => why != Ineligible.None)];

    public static TheoryData<PoolRefusal> PoolRefusals => [.. Enum.GetValues<PoolRefusal>().Where(static refusal => refusal != PoolRefusal.None)];

    [Fact]
    public void ServiceThatIsReached_HasAWellChainFromClassToWire()
    {
        var report = WhyMaker.Of(Views.Web, Views.Well);

        Assert.True(report.Well);
        Assert.Equal(["Service", "Pools", "Address", "Endpoints", "Candidates", "Owner"], report.Steps.Select(step => step.Name).Distinct());
        Assert.DoesNotContain(report.Steps, step => step.State == Step.WrongState);
        Assert.Equal($"Service prod/web is reached at {Views.Vip}, announced from n2", report.Verdict);
        Assert.Contains(report.Steps, step => step.Text == $"n2 announces it on eth0 with the hardware address {Views.MacOf("n2")}, for 3h (answered by the process)");
    }

    [Theory]
    [MemberData(nameof(AllocationReasons))]
    public void ReasonOfTheController_IsTheVerdictWithItsNextCommand(AllocationReason reason)
    {
        var view = Views.Well with
        {
            Services = [Views.Service(service => service with { Ingress = [] })],
            Controllers = [new Told<ControllerStatus>("a", Views.Controller(new AssignmentStatus { Namespace = "prod", Name = "web", Reason = reason.ToString(), Detail = "what was found" }), null)],
        };

        var report = WhyMaker.Of(Views.Web, view);

        Assert.False(report.Well);
        Assert.Equal($"what was found [{reason}]", report.Verdict);
        Assert.StartsWith("kubectl ", report.Next, StringComparison.Ordinal);
        Assert.Equal(NextCommand.For(reason, new ServiceId("prod", "web"), "loadbalancer-system"), report.Next);
    }

    [Theory]
    [MemberData(nameof(IneligibleReasons))]
    public void ReasonThatKeepsEveryNodeFromAnAddress_IsSaidOfEach_AndLeadsToTheNextCommand(Ineligible why)
    {
        var view = Views.Well
            .WithAddress(vip => vip with { Phase = "Away", Owner = null, Mac = null, Reason = "NoEligibleNode", Detail = "no node may own it" })
            .WithSpeakers(speaker => speaker with { Candidates = [.. speaker.Candidates!.Select(candidate => candidate with { Why = why.ToString() })] });

        var report = WhyMaker.Of(Views.Web, view);

        Assert.Equal("no node may own it [NoEligibleNode]", report.Verdict);
        Assert.Equal(NextCommand.For(why, "n1", new ServiceId("prod", "web"), "loadbalancer-system"), report.Next);
        Assert.Equal(
            Views.Names.Select(node => $"{node} on eth0 may not: {IneligibleText.Of(why, "eth0")} [{why}]"),
            report.Steps.Where(step => step.Name == "Candidates").Select(step => step.Text));
        Assert.NotEqual(why.ToString(), IneligibleText.Of(why, "eth0"));
    }

    [Theory]
    [InlineData("NoServingEndpoint")]
    [InlineData("NoEligibleNode")]
    [InlineData("announceFailed")]
    [InlineData("AddressNotInPool")]
    [InlineData("AddressNotAnnounced")]
    public void ReasonOfTheSpeakersThatNobodyAnnounces_IsTheVerdict(string reason)
    {
        var view = Views.Well.WithAddress(vip => vip with { Phase = "Away", Owner = null, Mac = null, Served = reason != "NoServingEndpoint", Reason = reason, Detail = "it is so" });

        var report = WhyMaker.Of(Views.Web, view);

        Assert.False(report.Well);
        Assert.EndsWith($"[{reason}]", report.Verdict, StringComparison.Ordinal);
        Assert.StartsWith("kubectl ", report.Next, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(PoolRefusals))]
    public void PoolThatIsRefused_SaysWhy(PoolRefusal refusal)
    {
        var (pool, service) = refusal switch
        {
            PoolRefusal.OtherPoolRequested => ("addresses: [10.9.0.0/24]", Annotated("metallb.io/address-pool", "default")),
            PoolRefusal.OtherAddressRequested => ("addresses: [10.9.0.0/24]", Views.Service(s => s with { LoadBalancerIP = Views.Vip })),
            PoolRefusal.NotForService => ("addresses: [10.9.0.0/24]\n  namespaces: [other]", Views.Service()),
            PoolRefusal.OnRequestOnly => ("addresses: [10.9.0.0/24]\n  auto-assign: false", Views.Service()),
            _ => ("addresses: ['fd00::/120']", Views.Service()),
        };
        var view = Views.Well with { ConfigText = Views.Well.ConfigText + $"- name: second\n  protocol: layer2\n  {pool}\n", Services = [service] };

        var report = WhyMaker.Of(Views.Web, view);

        var step = Assert.Single(report.Steps, step => step.Text.StartsWith("'second'", StringComparison.Ordinal));
        Assert.EndsWith($"[{refusal}]", step.Text, StringComparison.Ordinal);
        Assert.Contains(report.Steps, step => step.Text == "'default' comes into question (1 of 51 addresses are in use)");
        Assert.True(report.Well);

        static ServiceResource Annotated(string key, string value) => Views.Service(s => s with { Annotations = new Dictionary<string, string> { [key] = value } });
    }

    [Theory]
    [InlineData("ClusterIP", null, "10.96.0.1", nameof(AllocationReason.NotLoadBalancer))]
    [InlineData("LoadBalancer", "other", "10.96.0.1", nameof(AllocationReason.ForeignClass))]
    [InlineData("LoadBalancer", null, "None", nameof(AllocationReason.NoClusterIP))]
    public void ServiceThatIsNotOurs_EndsTheChainAtOnce(string type, string? loadBalancerClass, string clusterIP, string reason)
    {
        var view = Views.Well with { Services = [Views.Service(s => s with { Type = type, LoadBalancerClass = loadBalancerClass, ClusterIPs = [clusterIP] })] };

        var report = WhyMaker.Of(Views.Web, view);

        Assert.EndsWith($"[{reason}]", report.Verdict, StringComparison.Ordinal);
        Assert.Equal("Service", Assert.Single(report.Steps).Name);
    }

    [Fact]
    public void DeputyAnswers_IsWell_AndSaid()
    {
        var view = Views.Well.WithSpeakers(speaker => speaker.Node == "n3"
            ? speaker with { Addresses = [speaker.Addresses[0] with { Phase = "Deputy", For = "n2", Mac = Views.MacOf("n2") }] }
            : speaker with { Addresses = [speaker.Addresses[0] with { Phase = "Away", Mac = null }] });

        var report = WhyMaker.Of(Views.Web, view);

        Assert.True(report.Well);
        Assert.Contains(report.Steps, step => step.Text == $"n2, whose speaker is away; n3 answers for it with {Views.MacOf("n2")}");
    }

    [Fact]
    public void TwoOwnersOnOneSegment_AreTheVerdict()
    {
        var view = Views.Well.WithSpeakers(speaker => speaker.Node == "n3" ? speaker with { Addresses = [speaker.Addresses[0] with { Phase = "Owner", Owner = "n3", Mac = Views.MacOf("n3") }] } : speaker);

        Assert.Equal($"{Views.Vip} is announced by n2 and n3 on one segment", WhyMaker.Of(Views.Web, view).Verdict);
    }

    [Fact]
    public void StrangerOnTheAddress_IsTheVerdict()
    {
        var view = Views.Well.WithSpeakers(speaker => speaker.Node == "n2" ? speaker with { Conflicts = [new StrangerStatus { Address = Views.Vip, Mac = "aa:bb:cc:dd:ee:ff", Link = "eth0" }] } : speaker);

        Assert.Equal($"another host, aa:bb:cc:dd:ee:ff on eth0, uses {Views.Vip}, too", WhyMaker.Of(Views.Web, view).Verdict);
    }

    [Fact]
    public void KernelThatAnswersForEverything_IsTheVerdict()
    {
        var view = Views.Well.WithSpeakers(speaker => speaker.Node == "n1" ? speaker with { Warnings = ["kube-proxy runs in IPVS mode without strictARP: …"] } : speaker);

        var report = WhyMaker.Of(Views.Web, view);

        Assert.StartsWith("node n1: kube-proxy runs in IPVS mode without strictARP", report.Verdict, StringComparison.Ordinal);
        Assert.Equal("kubectl -n kube-system edit configmap kube-proxy", report.Next);
    }

    [Fact]
    public void AnotherProgramThatWritesTheStatus_IsTheVerdict()
    {
        var view = Views.Well with { Controllers = [new Told<ControllerStatus>("a", Views.Controller(new AssignmentStatus { Namespace = "prod", Name = "web", Addresses = [Views.Vip], ContendedBy = "metallb" }), null)] };

        Assert.Equal("another program, metallb, keeps changing its status [StatusAltered]", WhyMaker.Of(Views.Web, view).Verdict);
    }

    [Fact]
    public void NobodyCouldBeAsked_IsSaid_NotTakenForWell()
    {
        var view = Views.Well with { Speakers = [.. Views.Well.Speakers!.Select(told => told with { Document = null, Failure = "no answer within 3 s" })] };

        var report = WhyMaker.Of(Views.Web, view);

        Assert.False(report.Well);
        Assert.Equal($"no speaker could be asked who announces {Views.Vip}", report.Verdict);
    }

    [Fact]
    public void ServiceThatDoesNotExist_IsSaid() =>
        Assert.Equal("there is no Service prod/none", WhyMaker.Of(new ObjectKey("prod", "none"), Views.Well).Verdict);

    [Fact]
    public void PolicyLocal_NamesTheNodesThatServe()
    {
        var view = Views.Well.WithAddress(vip => vip with { ServingNodes = ["n2"] });

        Assert.Contains(WhyMaker.Of(Views.Web, view).Steps, step => step.Name == "Endpoints" && step.Text.StartsWith("ready ones on n2;", StringComparison.Ordinal));
    }

    [Fact]
    public void LastLines_AreTheVerdictAndTheNextCommand()
    {
        var lines = WhyText.Of(WhyMaker.Of(Views.Web, Views.Well), isColoured: false).TrimEnd('\n').Split('\n');

        Assert.StartsWith("Well: ", lines[^2], StringComparison.Ordinal);
        Assert.StartsWith("Next: ", lines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain('\e', string.Concat(lines));
    }
}
