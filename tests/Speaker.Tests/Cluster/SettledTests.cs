using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Tests.Ownership;

namespace LoadBalancer.Speaker.Tests.Cluster;

/// <summary>Idle is idle: what changes nothing is not a reason to decide about every VIP again, and what changes anything is.</summary>
public sealed class SettledTests
{
    private readonly VirtualCluster cluster = new(3);
    private int renewals;

    public SettledTests()
    {
        for (var i = 0; i < 30; i++)
        {
            cluster.Api.PutService($"web{i}", $"192.168.96.{100 + i}", ["n1", "n2", "n3"]);
        }

        cluster.Run(15_000);
    }

    [Fact]
    public void NothingHappens_ItIsDecidedHardlyEver()
    {
        // Owners are asked meanwhile: that is no reason either.
        var asked = cluster.Speakers.Sum(static speaker => speaker.Port.Asked);
        Assert.InRange(DecisionsIn(60_000), 0, 7);
        Assert.InRange(cluster.Speakers.Sum(static speaker => speaker.Port.Asked) - asked, 30, int.MaxValue);
    }

    [Fact]
    public void LeasesAreRenewed_ItIsDecidedHardlyEver()
    {
        Renew("n2");
        cluster.Run(100);
        Assert.InRange(DecisionsIn(30_000, _ => Renew("n2")), 0, 5);
    }

    [Fact]
    public void AServiceComesAndGoes_ItIsDecidedAtOnce()
    {
        var service = cluster.Api.PutService("new", "192.168.96.140", ["n1"]);
        cluster.Run(1500);
        Assert.Single(cluster.Answering("192.168.96.140"));
        cluster.Api.Remove(service);
        cluster.Run(50);
        Assert.Empty(cluster.Answering("192.168.96.140"));
    }

    [Fact]
    public void AServiceComesAndGoes_TheOthersAreNotDecidedOn()
    {
        var all = cluster.Speakers.ConvertAll(static speaker => speaker.Pass.DecidedAll);
        Assert.InRange(DecisionsIn(3000, at =>
        {
            if (at == 500)
            {
                cluster.Api.PutService("new", "192.168.96.140", ["n1"]);
            }
        }), 2, 20);
        Assert.Single(cluster.Answering("192.168.96.140"));
        cluster.Api.PutEndpoints("new", []);
        cluster.Run(50);
        Assert.Empty(cluster.Answering("192.168.96.140"));
        Assert.All(cluster.Speakers, (speaker, n) => Assert.InRange(speaker.Pass.DecidedAll - all[n], 0, 1));
    }

    private int DecisionsIn(int milliseconds, Action<int>? each = null)
    {
        var before = cluster.Speakers.ConvertAll(static speaker => speaker.Pass.Decided);
        cluster.Run(milliseconds, at =>
        {
            if (at % 100 == 0)
            {
                each?.Invoke(at);
            }
        });
        return cluster.Speakers.Select((speaker, n) => speaker.Pass.Decided - before[n]).Max();
    }

    private void Renew(string node) => cluster.Api.PutLease(new LeaseResource
    {
        Key = new ObjectKey(FakeApi.Namespace, node),
        HolderIdentity = node,
        LeaseDurationSeconds = 40,
        RenewTime = DateTimeOffset.UnixEpoch.AddMilliseconds(++renewals),
        Annotations = Leases.Of(cluster[node].Port.Facts),
    });
}
