using LoadBalancer.Controller.Assigning;
using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.Assigning;

/// <summary>Another program writes the status too: k3s's servicelb, a MetalLB left running.</summary>
public sealed class StatusContentionTests
{
    private const string Ours = "10.0.0.1";
    private const string Foreign = "192.0.2.1";
    private readonly Bench bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.2"));
    private int written;

    public StatusContentionTests()
    {
        bench.Cluster.Services.Changed += _ => written += bench.Cluster.AddressOf("s1") == Ours ? 1 : 0;
        bench.Cluster.Create(1);
        bench.Settle();
        written = 0;
    }

    [Fact]
    public void OtherThatAnswersEachOfOurWrites_AThousandTimes_GetsAFewOfOurs()
    {
        for (var i = 0; i < 1000; i++)
        {
            Alter("k3s", $"192.0.2.{i % 200}");
            bench.Pass(TimeSpan.FromSeconds(1));
        }

        // Three at once, then after 5, 10, 20, 40, 80, 160 and 300 s.
        Assert.InRange(written, 8, 12);
    }

    [Fact]
    public void OtherThatWritesWithinTheSameMoment_AThousandTimes_GetsThreeOfOurs()
    {
        for (var i = 0; i < 1000; i++)
        {
            Alter("k3s", $"192.0.2.{i % 200}");
            bench.Settle();
        }

        Assert.Equal(StatusContention.Tolerated, written);
    }

    // Ours meets a newer version each time: nothing of it is ever seen in the status.
    [Fact]
    public void OtherThatIsFasterEachTime_GetsNoMoreTriesThanOneThatAnswers()
    {
        var tries = 0;
        for (var i = 0; i < 1000; i++)
        {
            bench.Look();
            Alter("k3s", $"192.0.2.{i % 200}");
            foreach (var write in bench.Sent.ToArray())
            {
                tries++;
                bench.Deliver(write);
            }

            bench.RunRetries();
        }

        Assert.InRange(tries, 1, StatusContention.Tolerated + 2);
    }

    [Fact]
    public void Contention_IsToldOnce_WithWhoWritesAndWhatToDo()
    {
        for (var i = 0; i < 100; i++)
        {
            Alter("k3s", Foreign);
            bench.Pass(TimeSpan.FromSeconds(1));
        }

        var told = Assert.Single(bench.Events.Of("s1"), e => e.Reason == "StatusContended").Message;
        Assert.Contains("k3s's servicelb (field manager \"k3s\")", told, StringComparison.Ordinal);
        Assert.Contains("[\"192.0.2.1\"]", told, StringComparison.Ordinal);
        Assert.Contains("[\"10.0.0.1\"] stays the Service's", told, StringComparison.Ordinal);
        Assert.EndsWith("Start the k3s servers with --disable servicelb.", told, StringComparison.Ordinal);
        Assert.Equal(StatusContention.Tolerated, bench.Events.ReasonsOf("s1").Count(reason => reason == "IPAllocated") - 1);
    }

    [Theory]
    [InlineData("controller", "a MetalLB", "kubectl -n metallb-system scale deployment controller --replicas 0")]
    [InlineData("loadbalancer-controller", "another installation of this load balancer", "--lb-class")]
    [InlineData("kube-vip", "field manager \"kube-vip\"", "spec.loadBalancerClass")]
    [InlineData("", "not named in metadata.managedFields", "--disable servicelb")]
    public void Contention_NamesTheRemedyForWhoWrites(string manager, string who, string remedy)
    {
        AlterTooOften(manager);
        var told = Assert.Single(bench.Events.Of("s1"), e => e.Reason == "StatusContended").Message;
        Assert.Contains(who, told, StringComparison.Ordinal);
        Assert.Contains(remedy, told, StringComparison.Ordinal);
        Assert.InRange(told.Length, 1, 1024);
    }

    [Fact]
    public void OtherThatStops_TheStatusIsPutRight_AndThatIsTold()
    {
        AlterTooOften("k3s");
        Assert.Equal(Foreign, bench.Cluster.AddressOf("s1"));
        Assert.Equal(1, bench.Assignments.Contended);
        bench.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal(Ours, bench.Cluster.AddressOf("s1"));
        bench.Pass(StatusContention.Window);
        Assert.Equal("Assigned IP [\"10.0.0.1\"]: k3s's servicelb (field manager \"k3s\") does not change the status any more", bench.Events.Of("s1")[^1].Message);
        Assert.Equal(0, bench.Assignments.Contended);
    }

    [Fact]
    public void Quiet_OfAsManyMinutesAsStepsWereTaken_MakesTheNextAnswerImmediate()
    {
        for (var i = 0; i < 1000; i++)
        {
            Alter("k3s", Foreign);
            bench.Pass(TimeSpan.FromSeconds(1));
        }

        bench.Pass(StatusContention.Waits.Limit);
        bench.Pass(3 * StatusContention.Window);
        Alter("k3s", Foreign);
        bench.Settle();
        Assert.Equal(Foreign, bench.Cluster.AddressOf("s1"));
        bench.Pass(StatusContention.Waits.Limit);
        bench.Pass(7 * StatusContention.Window);
        Alter("k3s", Foreign);
        bench.Settle();
        Assert.Equal(Ours, bench.Cluster.AddressOf("s1"));
    }

    [Fact]
    public void HandThatSlipsNowAndThen_IsPutRightAtOnce_AndIsNoContention()
    {
        for (var i = 0; i < 20; i++)
        {
            Alter("kubectl", Foreign);
            bench.Settle();
            Assert.Equal(Ours, bench.Cluster.AddressOf("s1"));
            bench.Pass(TimeSpan.FromSeconds(25));
        }

        Assert.DoesNotContain("StatusContended", bench.Events.ReasonsOf("s1"));
    }

    [Fact]
    public void AddressDuringTheWait_StaysTheServices_AndWhatTheOtherShowsIsNotLeaked()
    {
        AlterTooOften("controller", "10.0.0.2");
        bench.Cluster.Create(2);
        bench.Settle();
        Assert.Equal(("10.0.0.2", ""), (bench.Cluster.AddressOf("s1"), bench.Cluster.AddressOf("s2")));
        bench.Pass(StatusContention.Waits.Limit);
        Assert.Equal((Ours, "10.0.0.2"), (bench.Cluster.AddressOf("s1"), bench.Cluster.AddressOf("s2")));
        Assert.Equal(2, Assert.Single(bench.Assignments.Usage).InUse);
    }

    [Fact]
    public void ServiceThatIsToHaveNone_IsClearedNoOftener()
    {
        var world = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.1"));
        world.Cluster.Create(1);
        world.Cluster.Create(2);
        world.Settle();
        var cleared = 0;
        for (var i = 0; i < 1000; i++)
        {
            world.Cluster.Update("s2", s => s with { Ingress = [new IngressPoint(Foreign)], StatusManager = "k3s" });
            world.Pass(TimeSpan.FromSeconds(1));
            cleared += world.Cluster.AddressOf("s2").Length == 0 ? 1 : 0;
        }

        Assert.InRange(cleared, 8, 12);
        Assert.Single(world.Events.ReasonsOf("s2"), "StatusContended");
    }

    [Fact]
    public void UserWhoAsksForAnotherAddress_NeedNotWait()
    {
        AlterTooOften("k3s");
        bench.Cluster.Update("s1", s => s with { LoadBalancerIP = "10.0.0.2" });
        bench.Settle();
        Assert.Equal("10.0.0.2", bench.Cluster.AddressOf("s1"));
    }

    [Fact]
    public void ServiceDeletedDuringTheWait_GivesItsAddressBack_AndItsNameIsNotBurdened()
    {
        AlterTooOften("k3s");
        bench.Cluster.Delete("s1");
        bench.Settle();
        Assert.Equal(0, bench.Assignments.Contended);
        bench.Cluster.Create(1);
        bench.Settle();
        Assert.Equal(Ours, bench.Cluster.AddressOf("s1"));
        bench.Pass(StatusContention.Waits.Limit);
        Assert.Equal(Ours, bench.Cluster.AddressOf("s1"));
    }

    [Fact]
    public void ServiceThatBecomesAnothers_IsLeftToIt()
    {
        AlterTooOften("k3s");
        bench.Cluster.Update("s1", s => s with { LoadBalancerClass = "example.com/theirs" });
        bench.Pass(2 * StatusContention.Waits.Limit);
        Assert.Equal(Foreign, bench.Cluster.AddressOf("s1"));
        Assert.Equal(0, bench.Assignments.Contended);
        Assert.Equal(0, Assert.Single(bench.Assignments.Usage).InUse);
    }

    [Fact]
    public void LeaderChangeDuringTheWait_IsNoReasonForMoreThanAFewWrites()
    {
        AlterTooOften("k3s");
        bench.Start(Bench.Pools("10.0.0.1-10.0.0.2")).Settle();
        Assert.Equal(Ours, bench.Cluster.AddressOf("s1"));
        written = 0;
        for (var i = 0; i < 100; i++)
        {
            Alter("k3s", Foreign);
            bench.Settle();
        }

        Assert.Equal(StatusContention.Tolerated, written);
    }

    [Fact]
    public void ContentionThatLasts_IsToldAgainBeforeTheServerForgetsIt()
    {
        AlterTooOften("k3s");
        for (var minute = 0; minute < 45; minute++)
        {
            bench.Pass(TimeSpan.FromMinutes(1));
            Alter("k3s", Foreign);
            bench.Settle();
            bench.Assignments.Remind();
        }

        Assert.Single(bench.Events.ReasonsOf("s1"), "StatusContended");
        Assert.Equal("StatusContended", Assert.Single(bench.Events.Repeated).Reason);
        Assert.True(bench.Events.Repeated[0].Age >= IEventRecorder.RepeatPeriod);
    }

    private void AlterTooOften(string manager, string ip = Foreign)
    {
        for (var i = 0; i <= StatusContention.Tolerated; i++)
        {
            Alter(manager, ip);
            bench.Settle();
        }
    }

    private void Alter(string manager, string ip) => bench.Cluster.Update("s1", s => s with
    {
        Ingress = [new IngressPoint(ip)],
        StatusManager = manager,
    });
}
