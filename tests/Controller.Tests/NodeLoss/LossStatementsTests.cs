using LoadBalancer.Controller.NodeLoss;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.NodeLoss;

/// <summary>Which of the statements in Leases are somebody's word.</summary>
public sealed class LossStatementsTests
{
    private static readonly ObjectKey Key = new("loadbalancer-system", "n1");

    private readonly Store<LeaseResource> leases = new();
    private readonly LossStatements statements;
    private TimeSpan age = TimeSpan.Zero;

    public LossStatementsTests()
    {
        leases.Replace([]);
        statements = new LossStatements(leases, _ => age);
        statements.Read(default);
    }

    // Renewed every ten seconds; two renewals in a row may fail.
    [Theory]
    [InlineData(29, 1)]
    [InlineData(31, 0)]
    public void LeaseThatIsRenewedNoMore_SaysNothing(int seconds, int said)
    {
        Say("n1", "n3");
        age = TimeSpan.FromSeconds(seconds);
        Assert.Equal(said, statements.Read(default).Count);
    }

    [Fact]
    public void LeaseThatNobodyHolds_SaysNothing()
    {
        Say("", "n3");
        Assert.Empty(statements.Read(default));
    }

    [Fact]
    public void SpeakerOnItself_SaysNothing()
    {
        Say("n1", "n1");
        Assert.Empty(statements.Read(default));
    }

    private void Say(string holder, string lost) => leases.Apply(new WatchEvent<LeaseResource>(
        WatchEventType.Modified,
        new LeaseResource
        {
            Key = Key, HolderIdentity = holder, LeaseDurationSeconds = 40, RenewTime = DateTimeOffset.UnixEpoch, ResourceVersion = "2",
            Annotations = new Dictionary<string, string> { [LossAnnotations.Lost] = LossAnnotations.Of([LossBench.Lost(lost)]) },
        },
        "2"));
}
