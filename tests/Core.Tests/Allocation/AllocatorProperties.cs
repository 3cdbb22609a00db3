using CsCheck;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Tests.Allocation;

/// <summary>What holds whatever happens, tried with Services, requests and configurations made up at random.</summary>
public sealed class AllocatorProperties
{
    private static readonly Pool[] Choices =
    [
        Given.Pool("a", "10.0.0.1-10.0.0.4"),
        Given.Pool("b", "10.1.0.1-10.1.0.3", "fd01::1-fd01::3") with { Reserved = [Given.Range("10.1.0.2/32")] },
        Given.Pool("c", "10.2.0.254-10.2.1.2") with { AvoidBuggyIps = true },
        Given.Pool("d", "10.3.0.1-10.3.0.2") with { AutoAssign = false },
        Given.Pool("e", "fd02::1-fd02::3"),
    ];

    private static readonly Gen<PoolConfig> Configs =
        Gen.Bool.Array[Choices.Length].Select(chosen => new PoolConfig(Choices.Where((_, i) => chosen[i]).ToArray()));

    private static readonly Gen<ServiceFacts> Services = Gen.Select(
        Gen.Int[1, 9],
        Gen.OneOf(new[] { "", "", "", "10.0.0.2", "10.1.0.2", "10.3.0.1", "fd02::2", "10.0.0.3,fd01::2", "192.0.2.1" }.Select(Gen.Const).ToArray()),
        Gen.OneOf(new[] { "", "", "k", "l" }.Select(Gen.Const).ToArray()),
        Gen.Int[80, 82],
        Gen.Int[0, 3],
        Gen.OneOf(new[] { SharingBackend.Cluster, SharingBackend.Cluster, Given.Pods("default", "app=a"), Given.Pods("default", "app=b") }.Select(Gen.Const).ToArray()),
        (number, request, key, port, dual, backend) =>
        {
            var facts = Given.Service($"s{number}") with { Sharing = Given.Shares(key, port) with { Backend = backend } };
            facts = dual switch
            {
                1 => facts.Dual(FamilyPolicy.PreferDualStack),
                2 => facts.Dual(FamilyPolicy.RequireDualStack),
                _ => facts,
            };
            return facts with { Request = new AddressRequest { AnnotationAddresses = request } };
        });

    private static readonly Gen<Action<World>> Steps = Gen.Frequency(
        (8, Services.Select<ServiceFacts, Action<World>>(facts => world => world.Write(facts))),
        (3, Gen.Int[1, 9].Select<int, Action<World>>(number => world => world.Delete($"s{number}"))),
        (1, Configs.Select<PoolConfig, Action<World>>(config => world => world.Configure(config))));

    [Fact]
    public void AnyHistory_NoAddressTwiceWithoutSharing() => Run(world =>
    {
        foreach (var users in world.Services.Values.SelectMany(s => s.ShownAddresses.Select(a => (s, a))).GroupBy(x => x.a))
        {
            var all = users.Select(x => x.s).ToArray();
            for (var i = 0; i < all.Length; i++)
            {
                for (var j = i + 1; j < all.Length; j++)
                {
                    Assert.Null(all[i].Sharing.Clash(all[j].Sharing, out _));
                }
            }
        }
    });

    [Fact]
    public void AnyHistory_EveryAddressIsInAPoolAndOfAWantedFamilyOfItsOwn() => Run(world =>
    {
        foreach (var service in world.Services.Values)
        {
            var addresses = service.ShownAddresses.ToArray();
            Assert.All(addresses, a => Assert.NotNull(world.Config.Find(a)));
            Assert.True(addresses.Select(a => a.Family).Distinct().Count() == addresses.Length);
            Assert.All(addresses, a => Assert.Contains(a.Family, service.Families));
        }
    });

    /// <summary>Whoever would have two families and has one cannot be given the other: nothing is free in a pool that is for it.</summary>
    [Fact]
    public void AnyHistory_SecondFamily_IsMissingOnlyWhereNoneIsFree() => Run(world =>
    {
        foreach (var service in world.Services.Values.Where(s => s.FamilyPolicy == FamilyPolicy.PreferDualStack
            && s.ShownAddresses.Count() == 1 && s.Request.AnnotationAddresses.Length == 0))
        {
            var missing = service.Families.Single(family => family != service.ShownAddresses.Single().Family);
            var probe = Given.Service("probe") with { Families = [missing], Sharing = service.Sharing };
            Assert.Equal("", Planner.Plan(probe, world.Allocator).Addresses());
        }
    });

    [Fact]
    public void AnyHistory_DecidingAgainChangesNothing() => Run(world =>
    {
        foreach (var service in world.Services.Values)
        {
            Assert.True(Planner.Plan(service, world.Allocator) is Decision.Keep or Decision.Wait);
        }
    });

    [Fact]
    public void AnyHistory_RestartFromTheStatusesInAnyOrder_ChangesNothing() =>
        Gen.Select(Steps.Array[1, 40], Gen.Shuffle(Enumerable.Range(1, 9).ToArray())).Sample((steps, order) =>
        {
            var world = new World();
            foreach (var step in steps)
            {
                step(world);
            }

            var restarted = new Allocator();
            restarted.Configure(world.Config);
            var shuffled = order.Select(n => $"s{n}").Where(world.Services.ContainsKey).Select(name => world.Services[name]).ToArray();
            for (var round = 0; round < 2; round++)
            {
                foreach (var service in shuffled)
                {
                    Assert.Equal(world.Allocator.Find(service.Id), Planner.Adopt(service, restarted));
                }
            }

            Assert.All(shuffled, service => Assert.True(restarted.Apply(service) is Decision.Keep or Decision.Wait));
            Assert.Equal(world.Allocator.Usage(), restarted.Usage());
        });

    [Fact]
    public void AnyHistory_ReleasingAll_LeavesTheSameFreeAddresses() => Run(world =>
    {
        foreach (var name in world.Services.Keys.ToArray())
        {
            world.Delete(name);
        }

        var fresh = new Allocator();
        fresh.Configure(world.Config);
        Assert.All(world.Allocator.Usage(), usage => Assert.Equal(0, usage.InUse));
        for (var i = 1; i <= 20; i++)
        {
            var probe = Given.Service($"p{i}");
            Assert.Equal(fresh.Apply(probe).Addresses(), world.Allocator.Apply(probe).Addresses());
        }
    });

    private static void Run(Action<World> check) => Steps.Array[1, 40].Sample(steps =>
    {
        var world = new World();
        foreach (var step in steps)
        {
            step(world);
        }

        check(world);
    });

    /// <summary>A cluster in which every decision takes effect at once.</summary>
    private sealed class World
    {
        public World() => Configure(new PoolConfig(Choices));

        public Allocator Allocator { get; } = new();

        public PoolConfig Config { get; private set; } = PoolConfig.Empty;

        public SortedDictionary<string, ServiceFacts> Services { get; } = new(StringComparer.Ordinal);

        public void Write(ServiceFacts facts)
        {
            var existing = Services.GetValueOrDefault(facts.Id.Name);
            Services[facts.Id.Name] = existing is null ? facts : facts with { Status = existing.Status };
            Settle();
        }

        public void Delete(string name)
        {
            if (Services.Remove(name, out var service))
            {
                Allocator.Release(service.Id);
                Settle();
            }
        }

        public void Configure(PoolConfig config)
        {
            Config = config;
            Allocator.Configure(config);
            Settle();
        }

        private void Settle()
        {
            bool changed;
            do
            {
                changed = false;
                foreach (var service in Services.Values.Order(ServiceFacts.ByAge).ToArray())
                {
                    var decision = Planner.Plan(service, Allocator);
                    // New terms alone may make room for an older Service on the same address: those that wait are asked again.
                    changed |= Allocator.Assign(service.Id, service.Sharing, decision.Result);
                    Services[service.Id.Name] = service.After(decision);
                    changed |= decision is Decision.Set or Decision.Clear;
                }
            }
            while (changed);
        }
    }
}
