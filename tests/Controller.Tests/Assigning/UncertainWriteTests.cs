using CsCheck;
using LoadBalancer.Controller.Assigning;
using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.Assigning;

/// <summary>Writes that fail, are overtaken, or of which nobody knows what became of them.</summary>
public sealed class UncertainWriteTests
{
    private readonly Bench bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.2"));

    [Fact]
    public void Conflict_IsTriedAgainWithTheSameAddressAndToldOnce()
    {
        bench.Cluster.Create(1);
        bench.Look();
        bench.Cluster.Update("s1", s => s with { Labels = new Dictionary<string, string> { ["touched"] = "yes" } });
        bench.Deliver(Assert.Single(bench.Sent));
        Assert.Equal("", bench.Cluster.AddressOf("s1"));
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));
        Assert.Equal("Assigned IP [\"10.0.0.1\"]", Assert.Single(bench.Events.Of("s1")).Message);
    }

    [Fact]
    public void FailedWrite_KeepsItsAddressReserved()
    {
        bench.Cluster.Create(1);
        bench.Look();
        bench.End(bench.Sent[0], StatusWriteOutcome.Failed);
        bench.Cluster.Create(2);
        bench.Settle();
        Assert.Equal(["10.0.0.1", "10.0.0.2"], bench.Addresses("s1", "s2"));
    }

    [Fact]
    public void WriteThatLandedUnheard_IsRecognisedAndTold()
    {
        bench.Cluster.Create(1);
        bench.Look();
        var write = bench.Sent[0];
        bench.Cluster.Land(write.Service, write.Addresses);
        bench.End(write, StatusWriteOutcome.Failed);
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));
        Assert.Equal(["IPAllocated"], bench.Events.ReasonsOf("s1"));
    }

    [Fact]
    public void OldAddress_IsNotGivenToOthersBeforeTheMoveIsInTheStatus()
    {
        bench.Cluster.Create(1);
        bench.Settle();
        bench.Cluster.Update("s1", s => s with { LoadBalancerIP = "10.0.0.2" });
        bench.Look();
        var move = Assert.Single(bench.Sent);
        bench.Cluster.Create(2);
        bench.Look();
        Assert.Same(move, Assert.Single(bench.Sent));

        bench.Deliver(move);
        bench.Settle();
        Assert.Equal(["10.0.0.2", "10.0.0.1"], bench.Addresses("s1", "s2"));
    }

    [Fact]
    public void LateWrite_OfAnAddressNoLongerWanted_MeetsNobodyElseThere()
    {
        bench.Cluster.Create(1);
        bench.Look();
        var late = bench.Sent[0];
        bench.End(late, StatusWriteOutcome.Failed);

        // Wants another address now, from the same version as far as the store knows.
        bench.Assignments.Reconfigure(Bench.Pools("10.0.0.2-10.0.0.2"));
        var second = Assert.Single(bench.Sent);
        bench.End(second, StatusWriteOutcome.Failed);
        bench.Assignments.Reconfigure(Bench.Pools("10.0.0.1-10.0.0.2"));
        bench.Cluster.Create(2);
        bench.Look();

        bench.Cluster.Land(late.Service, late.Addresses);
        bench.Settle();
        Assert.Empty(bench.Cluster.Duplicates());
        Assert.NotEqual("", bench.Cluster.AddressOf("s1"));
    }

    [Fact]
    public void StoreThatLagsBehindOurOwnWrite_CausesNoSecondWrite()
    {
        bench.Cluster.Create(1);
        bench.Look();
        bench.Cluster.WatchIsHeld = true;
        bench.Deliver(bench.Sent[0]);
        bench.Assignments.Look(new ObjectKey("default", "s1"));
        Assert.Empty(bench.Sent);
        bench.Cluster.Release();
        bench.Settle();
        Assert.Single(bench.Events.Of("s1"));
    }

    [Fact]
    public void StatusChangedByAnotherHand_IsRestored()
    {
        bench.Cluster.Create(1);
        bench.Settle();
        bench.Cluster.Update("s1", s => s with { Ingress = [new IngressPoint("192.0.2.1")] });
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));
        Assert.Contains("[StatusAltered]", bench.Events.Of("s1")[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ServiceDeletedUnderWay_GivesItsAddressBackWhenTheStoreKnows()
    {
        bench.Cluster.Create(1);
        bench.Look();
        bench.Cluster.Delete("s1");
        bench.Look();
        bench.Deliver(bench.Sent[0]);
        bench.Settle();
        bench.Cluster.Create(2);
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s2"));
    }

    /// <summary>Whatever happens, in any order: no two Services ever show one address, and in the end all is as it should be.</summary>
    [Fact]
    public void AnyOrderOfChangesAndOutcomes_NeverShowsAnAddressTwice() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[1, 5], Gen.Int[0, 9]).Array[1, 80].Sample(steps =>
        {
            var world = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.3"));
            var late = new List<StatusWrite>();
            foreach (var (action, number, choice) in steps)
            {
                Step(world, late, action, number, choice);
                Assert.Empty(world.Cluster.Duplicates());
            }

            late.ForEach(write => world.Cluster.Land(write.Service, write.Addresses));
            world.Cluster.Release();
            world.Settle();
            Assert.Empty(world.Cluster.Duplicates());
            var names = Enumerable.Range(1, 5).Select(n => $"s{n}").Where(n => world.Cluster.AddressOf(n) != "(gone)").ToArray();
            var eligible = names.Where(n => world.Cluster.Get(n).Type == "LoadBalancer").ToArray();
            Assert.Equal(Math.Min(3, eligible.Length), eligible.Count(n => world.Cluster.AddressOf(n).Length > 0));
            Assert.All(names.Except(eligible), n => Assert.Equal("", world.Cluster.AddressOf(n)));
        }, iter: 3000);

    private static void Step(Bench world, List<StatusWrite> late, int action, int number, int choice)
    {
        var name = $"s{number}";
        var exists = world.Cluster.AddressOf(name) != "(gone)";
        switch (action)
        {
            case 0 or 1 when !exists:
                world.Cluster.Create(number);
                break;
            case 0 when exists:
                world.Cluster.Delete(name);
                break;
            case 1 when exists:
                world.Cluster.Update(name, s => s with { Type = choice % 3 == 0 ? "ClusterIP" : "LoadBalancer" });
                break;
            case 2 when exists:
                world.Cluster.Update(name, s => s with { Labels = new Dictionary<string, string> { ["n"] = $"{choice}" } });
                break;
            case 3 or 4 when world.Sent.Count > 0:
                world.Deliver(world.Sent[choice % world.Sent.Count]);
                break;
            case 5 when world.Sent.Count > 0:
                // Nobody hears of it; it lands at once, later, or never.
                var write = world.Sent[choice % world.Sent.Count];
                if (choice < 3)
                {
                    world.Cluster.Land(write.Service, write.Addresses);
                }
                else if (choice < 7)
                {
                    late.Add(write);
                }

                world.End(write, StatusWriteOutcome.Failed);
                break;
            case 6 when late.Count > 0:
                world.Cluster.Land(late[0].Service, late[0].Addresses);
                late.RemoveAt(0);
                break;
            case 7:
                world.Cluster.WatchIsHeld = choice < 4;
                world.Cluster.Release();
                world.Cluster.WatchIsHeld = choice < 4;
                break;
            case 8:
                world.RunRetries();
                break;
            default:
                world.Look();
                break;
        }
    }
}
