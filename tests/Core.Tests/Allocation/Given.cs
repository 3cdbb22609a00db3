using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Tests.Allocation;

/// <summary>Short forms, so that a test shows only what it is about.</summary>
internal static class Given
{
    public static IpAddress Ip(string text) => IpAddress.Parse(text);

    public static IpRange Range(string text)
    {
        if (text.Contains('/'))
        {
            return IpPrefix.Parse(text).Range;
        }

        var ends = text.Split('-');
        return new IpRange(Ip(ends[0]), Ip(ends[^1]));
    }

    public static Pool Pool(string name, params string[] ranges) =>
        new() { Name = name, Ranges = ranges.Select(Range).OrderBy(r => r.First).ToArray() };

    public static Allocator Allocator(params Pool[] pools)
    {
        var allocator = new Allocator();
        allocator.Configure(new PoolConfig(pools));
        return allocator;
    }

    /// <summary>A Service; the number in its name is its age rank: s1 is older than s2.</summary>
    public static ServiceFacts Service(string name, params string[] status) => new()
    {
        Id = new ServiceId("default", name),
        Created = DateTimeOffset.UnixEpoch.AddSeconds(name.Length > 1 && int.TryParse(name.AsSpan(1), out var n) ? n : 0),
        Status = status.Select(s => IpAddress.TryParse(s, out _) ? new StatusEntry(s) : new StatusEntry("", s)).ToArray(),
    };

    public static SharingTerms Shares(string key, params int[] ports) =>
        new(key, SharingBackend.Cluster, ports.Select(p => new PortUse("TCP", p)).ToArray());

    public static SharingBackend Pods(string @namespace, string selector) => new(@namespace, selector, "");

    public static ServiceFacts Asks(this ServiceFacts facts, string address) =>
        facts with { Request = facts.Request with { SpecAddress = address } };

    public static ServiceFacts AsksPool(this ServiceFacts facts, string pool) =>
        facts with { Request = facts.Request with { Pool = pool } };

    public static ServiceFacts Dual(this ServiceFacts facts, FamilyPolicy policy) =>
        facts with { FamilyPolicy = policy, Families = [IpFamily.IPv4, IpFamily.IPv6] };

    /// <summary>Plans and records, as the controller does; returns the decision.</summary>
    public static Decision Apply(this Allocator allocator, ServiceFacts facts)
    {
        var decision = Planner.Plan(facts, allocator);
        allocator.Assign(facts.Id, facts.Sharing, decision.Result);
        return decision;
    }

    public static string Addresses(this Decision decision) => string.Join(' ', decision.Result?.Addresses.Select(a => a.ToString()) ?? []);

    /// <summary>The Service as it looks once the decision is in its status.</summary>
    public static ServiceFacts After(this ServiceFacts facts, Decision decision) => decision switch
    {
        Decision.Set set => facts with { Status = set.Assignment.Addresses.Select(a => new StatusEntry(a.ToString())).ToArray() },
        Decision.Clear => facts with { Status = [] },
        _ => facts,
    };
}
