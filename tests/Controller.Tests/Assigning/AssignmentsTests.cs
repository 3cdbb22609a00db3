using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.Assigning;

/// <summary>From a Service to its status, step by step.</summary>
public sealed class AssignmentsTests
{
    private static readonly string[] Four = ["s1", "s2", "s3", "s4"];

    [Fact]
    public void NewService_GetsAnAddressAndOneEvent()
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.9"));
        bench.Cluster.Create(1);
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));
        Assert.Equal(("IPAllocated", "Assigned IP [\"10.0.0.1\"]"), Assert.Single(bench.Events.Of("s1")));

        bench.Cluster.Update("s1", s => s with { Labels = new Dictionary<string, string> { ["touched"] = "yes" } });
        bench.Settle();
        Assert.Single(bench.Events.Of("s1"));
    }

    [Fact]
    public void FiveRestarts_WithFourServicesOnTwoAddresses_TheSameTwoKeepTheirs()
    {
        var pools = Bench.Pools("10.0.0.1-10.0.0.2");
        var bench = new Bench().Start(pools);
        foreach (var number in new[] { 3, 1, 4, 2 })
        {
            bench.Cluster.Create(number);
            bench.Settle();
        }

        string[] expected = ["10.0.0.2", "", "10.0.0.1", ""];
        Assert.Equal(expected, bench.Addresses(Four));
        for (var restart = 0; restart < 5; restart++)
        {
            bench.Restart(pools).Settle();
            Assert.Equal(expected, bench.Addresses(Four));
            Assert.Empty(bench.Sent);
        }
    }

    [Fact]
    public void WaitingServices_AreServedByAgeNotByOrderOfArrival()
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.1"));
        foreach (var number in new[] { 1, 4, 2, 3 })
        {
            bench.Cluster.Create(number);
            bench.Settle();
        }

        Assert.Equal(3, bench.Assignments.Waiting.CountOf(AllocationReason.NoFreeAddress));
        bench.Cluster.Delete("s1");
        bench.Settle();
        Assert.Equal(["(gone)", "10.0.0.1", "", ""], bench.Addresses(Four));
        Assert.Equal(["AllocationFailed", "IPAllocated"], bench.Events.ReasonsOf("s2"));
        Assert.Equal(["AllocationFailed"], bench.Events.ReasonsOf("s3"));
    }

    [Fact]
    public void DeletionAndNewcomerTogether_TheOneThatWaitedGetsTheAddress()
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.1"));
        bench.Cluster.Create(1);
        bench.Cluster.Create(2);
        bench.Settle();
        bench.Cluster.Delete("s1");
        bench.Cluster.Create(3);
        bench.Settle();
        Assert.Equal(["10.0.0.1", ""], bench.Addresses("s2", "s3"));
    }

    [Theory]
    [InlineData("ClusterIP")]
    [InlineData("NodePort")]
    public void TypeChangedAway_ClearsTheStatusThenServesTheOneThatWaits(string type)
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.1"));
        bench.Cluster.Create(1);
        bench.Cluster.Create(2);
        bench.Settle();
        bench.Cluster.Update("s1", s => s with { Type = type });
        bench.Look();

        // Not before the old status is known to be gone.
        var clear = Assert.Single(bench.Sent);
        Assert.Empty(clear.Addresses);
        bench.Deliver(clear);
        bench.Settle();
        Assert.Equal(["", "10.0.0.1"], bench.Addresses("s1", "s2"));
        Assert.Equal(["IPAllocated", "ClearAssignment"], bench.Events.ReasonsOf("s1"));
    }

    [Fact]
    public void ServerThatClearsTheStatusItself_FreesTheAddressToo()
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.1"));
        bench.Cluster.Create(1);
        bench.Cluster.Create(2);
        bench.Settle();
        bench.Cluster.Update("s1", s => s with { Type = "ClusterIP", Ingress = [] });
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s2"));
    }

    [Theory]
    [InlineData(null, null, true)]
    [InlineData(null, "theirs", false)]
    [InlineData("ours", "ours", true)]
    [InlineData("ours", null, false)]
    [InlineData("ours", "theirs", false)]
    public void Class_DecidesWhetherTheServiceIsTouched(string? served, string? asked, bool touched)
    {
        var bench = new Bench(servedClass: served).Start(Bench.Pools("10.0.0.1-10.0.0.1"));
        bench.Cluster.Create(1, s => s with { LoadBalancerClass = asked, Ingress = [new IngressPoint("", "lb.example.org")] });
        bench.Settle();
        Assert.Equal(touched ? "10.0.0.1" : "lb.example.org", bench.Cluster.AddressOf("s1"));
        Assert.Equal(touched, bench.Events.Of("s1").Length > 0);
    }

    [Fact]
    public void AddressOfAForeignService_IsNotGivenToOursUntilItIsGone()
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.1"));
        bench.Cluster.Create(1, s => s with { LoadBalancerClass = "theirs", Ingress = [new IngressPoint("10.0.0.1")] });
        bench.Cluster.Create(2);
        bench.Settle();
        Assert.Equal(["10.0.0.1", ""], bench.Addresses("s1", "s2"));
        bench.Cluster.Update("s1", s => s with { Ingress = [] });
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s2"));
    }

    [Fact]
    public void TermsAndConfigurationChangedTogether_AreDealtWithTogether()
    {
        var shared = new Dictionary<string, string> { ["metallb.io/allow-shared-ip"] = "k" };
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.9"));
        bench.Cluster.Create(1, s => s with { Annotations = shared });
        bench.Cluster.Create(2, s => s with { Annotations = shared, Ports = [new ServicePort("TCP", 443)] });
        bench.Settle();
        Assert.Equal(["10.0.0.1", "10.0.0.1"], bench.Addresses("s1", "s2"));
        bench.Cluster.Update("s2", s => s with { Ports = [new ServicePort("TCP", 80)] });
        bench.Assignments.Reconfigure(Bench.Pools("10.0.0.1-10.0.0.5"));
        bench.Settle();
        Assert.Equal(["10.0.0.1", "10.0.0.2"], bench.Addresses("s1", "s2"));
    }

    [Fact]
    public void Headless_GetsNothing()
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.1"));
        bench.Cluster.Create(1, s => s with { ClusterIPs = ["None"] });
        bench.Settle();
        Assert.Equal("", bench.Cluster.AddressOf("s1"));
    }

    [Fact]
    public void StatusWithoutPools_IsUntouchedUntilThereIsAConfiguration()
    {
        var cluster = new FakeCluster();
        cluster.Create(1, s => s with { Ingress = [new IngressPoint("10.0.0.7")] });
        cluster.Create(2);
        var bench = new Bench(cluster).Start(null);
        bench.Settle();
        Assert.Equal(["10.0.0.7", ""], bench.Addresses("s1", "s2"));
        Assert.Equal(["AllocationFailed"], bench.Events.ReasonsOf("s2"));

        bench.Assignments.Reconfigure(Bench.Pools("10.0.0.1-10.0.0.9"));
        bench.Settle();
        Assert.Equal(["10.0.0.7", "10.0.0.1"], bench.Addresses("s1", "s2"));
    }

    [Fact]
    public void NewConfiguration_MovesTheServiceAndNamesBothAddresses()
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.9"));
        bench.Cluster.Create(1);
        bench.Settle();
        bench.Assignments.Reconfigure(Bench.Pools("10.1.0.1-10.1.0.9"));
        bench.Settle();
        Assert.Equal("10.1.0.1", bench.Cluster.AddressOf("s1"));
        var (reason, message) = bench.Events.Of("s1")[^1];
        Assert.Equal("IPAllocated", reason);
        Assert.Contains("Assigned IP [\"10.1.0.1\"] in place of [\"10.0.0.1\"]", message, StringComparison.Ordinal);
        Assert.EndsWith("[AddressOutsidePools]", message, StringComparison.Ordinal);
    }

    [Fact]
    public void ConfigurationWithoutPools_ClearsAndSaysWhy()
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.9"));
        bench.Cluster.Create(1);
        bench.Settle();
        bench.Assignments.Reconfigure(Bench.Pools());
        bench.Settle();
        Assert.Equal("", bench.Cluster.AddressOf("s1"));
        Assert.Equal(["IPAllocated", "AllocationFailed", "ClearAssignment"], bench.Events.ReasonsOf("s1"));

        bench.Assignments.Reconfigure(Bench.Pools("10.0.0.5-10.0.0.9"));
        bench.Settle();
        Assert.Equal("10.0.0.5", bench.Cluster.AddressOf("s1"));
    }

    [Fact]
    public void BadRequest_IsReportedOnceAndTakesNothingAway()
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.9"));
        bench.Cluster.Create(1);
        bench.Settle();
        bench.Cluster.Update("s1", s => s with { LoadBalancerIP = "192.0.2.1" });
        bench.Settle();
        bench.Cluster.Update("s1", s => s with { Labels = new Dictionary<string, string> { ["touched"] = "yes" } });
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));
        Assert.Equal(["IPAllocated", "AllocationFailed"], bench.Events.ReasonsOf("s1"));
        Assert.Contains("It keeps [\"10.0.0.1\"]", bench.Events.Of("s1")[^1].Message, StringComparison.Ordinal);
        Assert.Equal(1, bench.Assignments.Waiting.Count);

        bench.Cluster.Update("s1", s => s with { LoadBalancerIP = "" });
        bench.Settle();
        Assert.Equal(0, bench.Assignments.Waiting.Count);
    }

    [Fact]
    public void ServiceThatWaitsForHours_IsToldAgainBeforeTheServerForgets_WithItsAge()
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.1"));
        bench.Cluster.Create(1);
        bench.Cluster.Create(2);
        bench.Settle();
        bench.Time.Advance(TimeSpan.FromMinutes(39));
        bench.Assignments.Remind();
        Assert.Empty(bench.Events.Repeated);

        bench.Time.Advance(TimeSpan.FromMinutes(2));
        bench.Assignments.Remind();
        bench.Assignments.Remind();
        Assert.Equal(("s2", "AllocationFailed", TimeSpan.FromMinutes(41)), Assert.Single(bench.Events.Repeated));

        bench.Cluster.Delete("s1");
        bench.Settle();
        bench.Time.Advance(TimeSpan.FromMinutes(41));
        bench.Assignments.Remind();
        Assert.Single(bench.Events.Repeated);
    }

    [Fact]
    public void ServiceMadeAnewUnderItsName_IsAnotherService()
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.1"));
        bench.Cluster.Create(5);
        bench.Cluster.Create(6);
        bench.Settle();
        bench.Cluster.WatchIsHeld = true;
        bench.Cluster.Delete("s5");
        bench.Cluster.Create(5, s => s with { Created = DateTimeOffset.UnixEpoch.AddHours(1) });
        bench.Cluster.Relist();
        bench.Settle();
        Assert.Equal(["", "10.0.0.1"], bench.Addresses("s5", "s6"));
    }

    [Fact]
    public void OtherServices_CostNoRecordAndNoWrite()
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.1"));
        bench.Cluster.Create(1, s => s with { Type = "ClusterIP" });
        bench.Settle();
        Assert.Empty(bench.Sent);
        Assert.Empty(bench.Events.Of("s1"));
    }
}
