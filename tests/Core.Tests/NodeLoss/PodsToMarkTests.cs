using CsCheck;
using LoadBalancer.Core.NodeLoss;

namespace LoadBalancer.Core.Tests.NodeLoss;

/// <summary>Which pods of a lost node are marked, and in which order.</summary>
public sealed class PodsToMarkTests
{
    [Fact]
    public void Services_LoadBalancersFirst_ThenDns_ThenTheRest()
    {
        var chosen = PodsToMark.Choose([Pod("a"), Pod("b"), Pod("c")],
            [Service("other", PodsToMark.Other, "a"), Service("dns", PodsToMark.Dns, "b"), Service("web", PodsToMark.LoadBalancer, "c")]);
        Assert.Equal(["ns/web:c", "ns/dns:b", "ns/other:a"], Text(chosen));
        Assert.Equal(3, chosen.Count);
    }

    [Fact]
    public void PodsOfAService_AreOneGroup_AndAPodIsInOneGroupOnly() =>
        Assert.Equal(["ns/web:a,b", "ns/z:c"], Text(PodsToMark.Choose([Pod("a"), Pod("b"), Pod("c")],
            [Service("web", PodsToMark.LoadBalancer, "b", "a"), Service("z", PodsToMark.Other, "a", "c")])));

    [Fact]
    public void Pod_BehindNoService_IsLeft() =>
        Assert.Empty(PodsToMark.Choose([Pod("a")], [Service("web", PodsToMark.Other, "b")]).Groups);

    [Fact]
    public void Pod_NotReadyAnyway_IsLeft() =>
        Assert.Empty(PodsToMark.Choose([Pod("a") with { Ready = false }], [Service("web", PodsToMark.Other, "a")]).Groups);

    [Fact]
    public void Service_WithoutAReadyEndpointElsewhere_KeepsItsPods_AlsoInOtherServices()
    {
        var chosen = PodsToMark.Choose([Pod("a"), Pod("b")],
            [Service("db", PodsToMark.Other, "a") with { ReadyElsewhere = false }, Service("web", PodsToMark.LoadBalancer, "a", "b")]);
        Assert.Equal(["ns/web:b"], Text(chosen));
        Assert.Equal(1, chosen.LeftForLastEndpoint);
    }

    [Fact]
    public void Pod_ExcludedByAnnotation_IsLeft_AndCounted()
    {
        var chosen = PodsToMark.Choose([Pod("a") with { Excluded = true }, Pod("b"), Pod("c") with { Excluded = true }], [Service("web", PodsToMark.Other, "a", "b")]);
        Assert.Equal(["ns/web:b"], Text(chosen));
        Assert.Equal(1, chosen.LeftByAnnotation);
    }

    [Fact]
    public void AnyCluster_NoServiceLosesItsLastEndpoint_NoPodTwice_NoneLeftWithoutReason()
    {
        var pods = Gen.Select(Gen.Int[0, 7], Gen.Bool, Gen.Bool, (i, ready, excluded) => Pod($"p{i}") with { Ready = ready, Excluded = excluded })
            .List[0, 8].Select(list => list.DistinctBy(p => p.Uid).ToList());
        var services = Gen.Select(Gen.Int[0, 5], Gen.Int[0, 2], Gen.Bool, Gen.Int[0, 7].HashSet[0, 5],
                (i, rank, elsewhere, uids) => Service($"s{i}", rank, [.. uids.Select(u => $"p{u}")]) with { ReadyElsewhere = elsewhere })
            .List[0, 6].Select(list => list.DistinctBy(s => s.Name).ToList());
        Gen.Select(pods, services).Sample((p, s) =>
        {
            var marked = PodsToMark.Choose(p, s).Groups.SelectMany(g => g.Pods).Select(pod => pod.Uid).ToList();
            return marked.Count == marked.Distinct().Count()
                && p.All(pod => marked.Contains(pod.Uid) == (pod is { Ready: true, Excluded: false }
                    && s.Exists(service => service.PodsHere.Contains(pod.Uid))
                    && s.TrueForAll(service => service.ReadyElsewhere || !service.PodsHere.Contains(pod.Uid))));
        });
    }

    private static LostPod Pod(string name) => new("ns", name, name, Ready: true, Excluded: false);

    private static ServiceBackends Service(string name, int rank, params string[] uids) => new("ns", name, rank, uids.ToHashSet(), ReadyElsewhere: true);

    private static IEnumerable<string> Text(PodsToMark chosen) => chosen.Groups.Select(g => $"{g.Service}:{string.Join(',', g.Pods.Select(p => p.Name))}");
}
