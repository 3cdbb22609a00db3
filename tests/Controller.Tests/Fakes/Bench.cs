using LoadBalancer.Controller.Assigning;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Status;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Controller.Tests.Fakes;

/// <summary>The assignments on a bench: no loop, no thread; the test says when a write goes out, lands and is heard of.</summary>
internal sealed class Bench
{
    private readonly Queue<ObjectKey> changed = new();
    private readonly List<(ObjectKey Key, DateTimeOffset At)> later = [];
    private readonly string? servedClass;

    public Bench(FakeCluster? cluster = null, string? servedClass = null)
    {
        Cluster = cluster ?? new FakeCluster();
        Cluster.Synced();
        this.servedClass = servedClass;
        Cluster.Services.Changed += changed.Enqueue;
        Assignments = NewAssignments();
    }

    public FakeCluster Cluster { get; }

    public FakeTimeProvider Time { get; } = new();

    public FakeEvents Events { get; } = new();

    public Assignments Assignments { get; private set; }

    /// <summary>The addresses that are not given out.</summary>
    public IReadOnlyList<Exclusion> Excluded { get; set; } = [];

    /// <summary>Writes that were sent and have not reached the server.</summary>
    public List<StatusWrite> Sent { get; } = [];

    /// <summary>Services to be looked at again after a while.</summary>
    public List<ObjectKey> Retried { get; } = [];

    public static PoolConfig Pools(params string[] ranges) => new([.. ranges.Select((range, i) => new Pool
    {
        Name = $"p{i}",
        Ranges = [new IpRange(IpAddress.Parse(range.Split('-')[0]), IpAddress.Parse(range.Split('-')[^1]))],
    })]);

    public Bench Start(PoolConfig? config)
    {
        changed.Clear();
        Assignments.Rebuild(config, Excluded);
        return this;
    }

    /// <summary>A new process: nothing is remembered.</summary>
    public Bench Restart(PoolConfig? config)
    {
        Sent.Clear();
        Assignments = NewAssignments();
        return Start(config);
    }

    /// <summary>Looks at what changed and lets every write succeed, until nothing is left to do.</summary>
    public Bench Settle()
    {
        do
        {
            Look();
            while (Sent.Count > 0)
            {
                Deliver(Sent[0]);
                Look();
            }
        }
        while (changed.Count > 0 || RunRetries());
        return this;
    }

    /// <summary>As <see cref="Settle()"/>, but writes land in any order, and changes are heard of at any time.</summary>
    /// <param name="pick">A number below the one given.</param>
    public Bench Settle(Func<int, int> pick)
    {
        do
        {
            Look();
            while (Sent.Count > 0)
            {
                Deliver(Sent[pick(Sent.Count)]);
                if (pick(3) == 0)
                {
                    Look();
                }
            }
        }
        while (changed.Count > 0 || RunRetries());
        return this;
    }

    /// <summary>Looks at what changed; writes stay where they are.</summary>
    public Bench Look()
    {
        while (changed.TryDequeue(out var key))
        {
            Assignments.Look(key);
        }

        return this;
    }

    /// <summary>A write reaches the server and its answer comes back.</summary>
    public void Deliver(StatusWrite write)
    {
        Sent.Remove(write);
        End(write, Cluster.Land(write.Service, write.Addresses) switch
        {
            StatusWriteResult.Written => StatusWriteOutcome.Written,
            StatusWriteResult.Conflict => StatusWriteOutcome.Conflict,
            _ => StatusWriteOutcome.Gone,
        });
    }

    /// <summary>A write ends without having reached the server, or without its answer being heard.</summary>
    public void End(StatusWrite write, StatusWriteOutcome outcome)
    {
        Sent.Remove(write);
        Assignments.Note(write, outcome);
        Assignments.GoOnAfter(write);
    }

    /// <summary>Lets time pass; what becomes due meanwhile is looked at, and written.</summary>
    public Bench Pass(TimeSpan duration)
    {
        var end = Time.GetUtcNow() + duration;
        Settle();
        while (later.Where(entry => entry.At <= end).OrderBy(static entry => entry.At).FirstOrDefault() is { Key.Name: not null } next)
        {
            later.RemoveAll(entry => entry.Key == next.Key);
            Time.Advance(Max(next.At - Time.GetUtcNow(), TimeSpan.Zero));
            Assignments.Look(next.Key);
            Settle();
        }

        Time.Advance(end - Time.GetUtcNow());
        return this;

        static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
    }

    public bool RunRetries()
    {
        var keys = Retried.ToArray();
        Retried.Clear();
        foreach (var key in keys)
        {
            Assignments.Look(key);
        }

        return keys.Length > 0;
    }

    public string[] Addresses(params string[] names) => [.. names.Select(Cluster.AddressOf)];

    private Assignments NewAssignments() => new(
        Cluster.Stores, servedClass, new AssignmentEvents(Events),
        Sent.Add, Retried.Add, (key, wait) => later.Add((key, Time.GetUtcNow() + wait)), _ => { }, Time);
}
