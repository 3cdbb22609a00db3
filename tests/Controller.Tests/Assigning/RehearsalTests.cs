using CsCheck;
using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Facts;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.Assigning;

/// <summary>What a rehearsal says of a new configuration is what the controller does with it, over random clusters, in whatever order its writes land.</summary>
public sealed class RehearsalTests
{
    private static readonly string[] Keys = ["", "", "", "a", "b"];

    private static readonly Gen<Wish> Wishes = Gen.Select(
        Gen.Int[0, 11], Gen.Int[0, 4], Gen.Int[0, 4], Gen.Int[80, 82], Gen.Bool, Gen.Int[0, 5],
        static (shown, key, asks, port, local, families) => new Wish(shown, Keys[key], asks, port, local, families));

    private static readonly Gen<PoolConfig> Configs = Gen.Select(Gen.Int[1, 6], Gen.Int[0, 3], Gen.Bool, Gen.Bool, Gen.Int[0, 3], static (first, second, auto, reserved, six) => new PoolConfig(
    [
        .. new[]
        {
            new Pool { Name = "p0", Ranges = Ranges("10.0.0.", 1, first), Reserved = reserved ? Ranges("10.0.0.", 1, 1) : [] },
            new Pool { Name = "p1", Ranges = Ranges("10.0.1.", 1, second), AutoAssign = auto, Priority = 1 },
            new Pool { Name = "p2", Ranges = Ranges("fd00::", 1, six) },
        }.Where(static pool => pool.Ranges.Count > 0),
    ]));

    [Fact]
    public void NewConfiguration_DoesWhatTheRehearsalSays() => Gen.Select(Wishes.List[1, 9], Configs, Configs, Gen.Bool, Gen.Int[0, int.MaxValue - 1]).Sample((wishes, current, next, excludes, seed) =>
    {
        var order = new Random(seed);
        Exclusion[] excluded = excludes ? [new Exclusion(IpAddress.Parse("10.0.0.2"), ExclusionKind.NodeAddress, "node n1")] : [];
        var bench = new Bench { Excluded = excluded };
        foreach (var (wish, index) in wishes.Select(static (wish, index) => (wish, index)))
        {
            bench.Cluster.Create(index + 1, wish.Of);
        }

        bench.Start(current).Settle();
        var rehearsal = Rehearsal.Start(current, excluded, Facts(bench));
        rehearsal.Reconfigure(next);
        bench.Assignments.Reconfigure(next);
        bench.Settle(order.Next);

        var happened = Facts(bench).Where(Counts).OrderBy(static facts => facts.Id).Select(static facts => $"{facts.Id}: {string.Join(' ', facts.Status)}");
        var said = rehearsal.Services.OrderBy(static service => service.Facts.Id).Select(static service => $"{service.Facts.Id}: {string.Join(' ', service.Facts.Status)}");
        return string.Join('\n', said) == string.Join('\n', happened) ? true : throw new InvalidOperationException($"said:\n{string.Join('\n', said)}\nhappened:\n{string.Join('\n', happened)}");
    }, iter: 1000);

    [Fact]
    public void FreshStart_DoesWhatTheRehearsalSays() => Gen.Select(Wishes.List[1, 9], Configs, Gen.Int[0, int.MaxValue - 1]).Sample((wishes, config, seed) =>
    {
        var bench = new Bench();
        foreach (var (wish, index) in wishes.Select(static (wish, index) => (wish, index)))
        {
            bench.Cluster.Create(index + 1, wish.Of);
        }

        var said = Rehearsal.Start(config, [], Facts(bench)).Services.ToDictionary(static service => service.Facts.Id, static service => string.Join(' ', service.Facts.Status));
        bench.Start(config).Settle(new Random(seed).Next);

        return Facts(bench).Where(facts => said.ContainsKey(facts.Id)).All(facts => said[facts.Id] == string.Join(' ', facts.Status));
    }, iter: 1000);

    private static bool Counts(ServiceFacts facts) => facts.Eligibility != Eligibility.NotLoadBalancer || facts.Status.Count > 0;

    private static IpRange[] Ranges(string prefix, int first, int count) =>
        count == 0 ? [] : [new IpRange(IpAddress.Parse($"{prefix}{first}"), IpAddress.Parse($"{prefix}{first + count - 1}"))];

    private static ServiceFacts[] Facts(Bench bench) =>
        [.. bench.Cluster.Services.All().Select(service => ServiceFactsReader.Read(service, new Dictionary<string, string>(), null))];

    /// <summary>What one Service shows and asks for.</summary>
    private sealed record Wish(int Shown, string Key, int Asks, int Port, bool Local, int Families)
    {
        public ServiceResource Of(ServiceResource service) => service with
        {
            Ingress = Shown switch { 0 or > 8 => [], 8 => [new IngressPoint("172.16.0.1")], _ => [new IngressPoint($"10.0.0.{Shown}")] },
            Annotations = Annotations(),
            LoadBalancerIP = Asks == 1 ? "10.0.0.3" : "",
            Ports = [new ServicePort("TCP", Port)],
            ExternalTrafficPolicy = Local ? "Local" : "Cluster",
            IpFamilies = Families < 4 ? [IpFamily.IPv4] : [IpFamily.IPv4, IpFamily.IPv6],
            IpFamilyPolicy = Families switch { 4 => "PreferDualStack", 5 => "RequireDualStack", _ => "SingleStack" },
        };

        private Dictionary<string, string> Annotations()
        {
            var annotations = new Dictionary<string, string>();
            if (Key.Length > 0)
            {
                annotations["metallb.io/allow-shared-ip"] = Key;
            }

            if (Asks == 2)
            {
                annotations["metallb.io/address-pool"] = "p1";
            }

            return annotations;
        }
    }
}
