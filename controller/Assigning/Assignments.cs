using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Facts;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Assigning;

/// <summary>
/// Who has which address, and what is being done about it: facts → planner → allocator → write. Synchronous and cheap, called by the
/// <see cref="AssignmentLoop"/> alone, so there is one writer and no lock. What it sends off comes back through
/// <see cref="Note"/>.
/// </summary>
internal sealed partial class Assignments
{
    private readonly ControllerStores stores;
    private readonly string? servedClass;
    private readonly AssignmentEvents events;
    private readonly Action<StatusWrite> send;
    private readonly Action<ObjectKey> retry;
    private readonly Action<ObjectKey, TimeSpan> later;
    private readonly Action<ObjectKey> succeeded;
    private readonly TimeProvider time;
    private readonly Dictionary<ObjectKey, ServiceRecord> records = [];
    private readonly HashSet<ObjectKey> contended = [];
    private Allocator allocator = new();
    private IReadOnlyList<Exclusion> exclusions = [];
    private Dictionary<(string Pool, ExclusionKind Kind), int>? excluded;
    private bool somethingBecameFree;

    /// <param name="stores">Where Services and namespaces are read.</param>
    /// <param name="servedClass">The class served, or null for Services without one.</param>
    /// <param name="events">Where changes and refusals are told.</param>
    /// <param name="send">Starts a write; must not call back before it returns.</param>
    /// <param name="retry">Looks at a Service again after a while, longer each time.</param>
    /// <param name="later">Looks at a Service again after this time.</param>
    /// <param name="succeeded">The next while is short again.</param>
    /// <param name="time">The clock.</param>
    public Assignments(
        ControllerStores stores, string? servedClass, AssignmentEvents events,
        Action<StatusWrite> send, Action<ObjectKey> retry, Action<ObjectKey, TimeSpan> later, Action<ObjectKey> succeeded, TimeProvider time)
    {
        this.stores = stores;
        this.servedClass = servedClass;
        this.events = events;
        this.send = send;
        this.retry = retry;
        this.later = later;
        this.succeeded = succeeded;
        this.time = time;
    }

    /// <summary>Those that do not have what they ask for.</summary>
    public WaitingServices Waiting { get; } = new();

    /// <summary>How many Services have a status that another program keeps changing.</summary>
    public int Contended => contended.Count;

    /// <summary>How full the pools are.</summary>
    public IEnumerable<PoolUsage> Usage => allocator.Usage();

    /// <summary>How many addresses of the pools are given to no Service, whatever it asks for; the same object until that changes.</summary>
    public IReadOnlyDictionary<(string Pool, ExclusionKind Kind), int> Excluded => excluded ??= exclusions
        .Select(exclusion => (allocator.PoolOf(exclusion.Address)?.Name, exclusion.Kind)).Where(static entry => entry.Name is not null)
        .CountBy(static entry => (entry.Name!, entry.Kind)).ToDictionary();

    /// <summary>
    /// Starts anew from what the statuses show, as a new leader does: nothing that another replica did meanwhile is known otherwise.
    /// No write may be under way.
    /// </summary>
    public void Rebuild(PoolConfig? config, IReadOnlyList<Exclusion> now)
    {
        allocator = new Allocator();
        Excludes(now);
        Waiting.Clear();
        contended.Clear();
        ForgetSettling();
        foreach (var (key, record) in records)
        {
            record.Seen = null; // another replica may have written since
            record.Contention = null;
            if (stores.Services.Get(key) is not { } service || service.Uid != record.Uid)
            {
                records.Remove(key);
            }
        }

        PutInForce(config);
    }

    /// <summary>Puts a configuration in force, if it is another than the one there is.</summary>
    public void Reconfigure(PoolConfig? config)
    {
        if (!ReferenceEquals(config, allocator.Config))
        {
            PutInForce(config);
        }
    }

    /// <summary>
    /// Replaces the addresses that are not given out. Whoever has one keeps it; one that is no longer among them goes to those that wait.
    /// </summary>
    public void Exclude(IReadOnlyList<Exclusion> now)
    {
        Excludes(now);
        somethingBecameFree = true;
        ServeWaiting();
    }

    /// <summary>Looks at one Service; then at those that wait, if that made an address free.</summary>
    public void Look(ObjectKey key)
    {
        Plan(key);
        ServeWaiting();
    }

    /// <summary>Takes note of how a write ended.</summary>
    public void Note(StatusWrite write, StatusWriteOutcome outcome)
    {
        write.Outcome = outcome;
        Ended(write);
        var key = write.Service.Key;
        if (outcome == StatusWriteOutcome.Written && records.TryGetValue(key, out var record) && record.Write == write)
        {
            Landed(write, record);
            record.Seen = [.. write.Addresses.Select(address => new StatusEntry(address.ToString()))];
            record.Contention?.Right();
            Tell(record, write.Service);
            succeeded(key);
        }
    }

    /// <summary>Does what the end of a write makes necessary: tries again, looks at what changed, serves those that wait.</summary>
    public void GoOnAfter(StatusWrite write)
    {
        var key = write.Service.Key;
        if (records.TryGetValue(key, out var record) && record.Write == write)
        {
            if (write.Outcome is StatusWriteOutcome.Conflict or StatusWriteOutcome.Failed or StatusWriteOutcome.NotSent)
            {
                retry(key);
            }

            if (record.LookAgain && !record.IsSettling)
            {
                record.LookAgain = false;
                Plan(key);
            }
        }

        SettleIfAllEnded();
        ServeWaiting();
    }

    /// <summary>Says once more why Services wait and whose statuses others change, where the last word of it is so long ago that the API server is about to forget it.</summary>
    public void Remind()
    {
        foreach (var key in Waiting.Keys())
        {
            if (records.GetValueOrDefault(key) is { Reported: { } refusal } record && stores.Services.Get(key) is { } service
                && time.GetElapsedTime(record.LastTold) >= IEventRecorder.RepeatPeriod)
            {
                record.LastTold = time.GetTimestamp();
                events.Repeat(service, refusal, allocator.Find(IdOf(key)), time.GetElapsedTime(record.ReportedSince));
            }
        }

        RemindOfContention();
    }

    /// <summary>Whether a write that failed may still land at the server.</summary>
    public bool AnythingMayLand() => records.Any(entry =>
        entry.Value.Write is { Outcome: StatusWriteOutcome.Failed or StatusWriteOutcome.Pending } write
        && stores.Services.Get(entry.Key) is { } service && write.IsFrom(service));

    private void Excludes(IReadOnlyList<Exclusion> now)
    {
        exclusions = now;
        allocator.Exclude(now);
        excluded = null;
    }

    private static ServiceId IdOf(ObjectKey key) => new(key.Namespace, key.Name);

    private static ServiceAge AgeOf(ServiceResource service) => new(service.Created, service.Key);

    /// <summary>Most Services of a cluster are not, and cost nothing.</summary>
    private bool IsOfInterest(ServiceResource service) =>
        service.Type == "LoadBalancer" || service.Ingress.Count > 0 || records.ContainsKey(service.Key);

    /// <summary>First everyone keeps what can be kept, then each is looked at, oldest first.</summary>
    private void PutInForce(PoolConfig? config)
    {
        if (config is not null)
        {
            allocator.Configure(config);
            excluded = null;
        }

        var oldestFirst = stores.Services.All().Where(IsOfInterest).ToArray();
        Array.Sort(oldestFirst, static (a, b) => AgeOf(a).CompareTo(AgeOf(b)));
        var unheld = oldestFirst.Where(service => !allocator.Holds(IdOf(service.Key))).Select(ShownFacts).ToArray();
        foreach (var facts in unheld)
        {
            Planner.Adopt(facts, allocator);
        }

        foreach (var facts in unheld)
        {
            Planner.HoldShown(facts, allocator);
        }

        foreach (var service in oldestFirst)
        {
            Plan(service.Key);
        }

        ServeWaiting();
    }

    /// <summary>The facts with everything that the status shows, or may show once a write of unknown outcome has landed.</summary>
    private ServiceFacts ShownFacts(ServiceResource service)
    {
        var record = records.GetValueOrDefault(service.Key);
        var facts = FactsOf(service, record);
        return record?.MayShow(service) is { Count: > 0 } mayShow
            ? facts with { Status = [.. facts.Status, .. mayShow.Select(address => new StatusEntry(address.ToString()))] }
            : facts;
    }

    private void Plan(ObjectKey key)
    {
        var service = stores.Services.Get(key);
        var record = records.GetValueOrDefault(key);
        if (record is { IsWriting: true } or { IsSettling: true })
        {
            record.LookAgain = true;
            return;
        }

        if (service is not null && record?.Write is { } write && !write.IsFrom(service))
        {
            record.Write = null; // what came of it is seen; it would hold on to the Service as it was
        }

        if (service is null || (record is not null && record.Uid != service.Uid))
        {
            Forget(key, record);
            record = null;
            if (service is not null)
            {
                ServeWaiting(); // a Service of the same name is a new one: those that wait come before it
            }
        }

        if (service is not null && IsOfInterest(service))
        {
            var facts = FactsOf(service, record);
            Carry(Planner.Plan(facts, allocator), service, facts, record ?? new ServiceRecord(service));
        }
    }

    private ServiceFacts FactsOf(ServiceResource service, ServiceRecord? record)
    {
        var facts = ServiceFactsReader.Read(service, stores.LabelsOf(service.Key.Namespace), servedClass);
        return record?.Written(service) is { } written
            ? facts with { Status = [.. written.Select(address => new StatusEntry(address.ToString()))] }
            : facts;
    }

    private void Carry(Decision decision, ServiceResource service, ServiceFacts facts, ServiceRecord record)
    {
        var mayShow = record.MayShow(service);
        if (record.Untold is { } untold && HasLanded(untold, facts))
        {
            Tell(record, service); // a write whose answer was lost
        }

        if (decision is Decision.Leave && facts.Status.Count == 0 && mayShow.Count == 0)
        {
            Forget(service.Key, record);
            return;
        }

        // Whatever the status shows, or may yet show, nobody else gets before it is known to be gone from there.
        records[service.Key] = record;
        WatchStatus(decision, service, facts, record);
        somethingBecameFree |= allocator.Assign(facts.Id, facts.Sharing, decision.Result, facts.ShownAddresses.Concat(mayShow));
        Waiting.Set(record.Age, decision.Refusal?.Reason);
        Report(decision, service, record);
        switch (decision)
        {
            case Decision.Keep:
                record.Untold = null;
                IsRight(record, service, decision.Result);
                break;
            case Decision.Wait:
                IsRight(record, service, assignment: null);
                break;
            case Decision.Set or Decision.Clear when IsToWait(record, service, decision.Result):
                break;
            case Decision.Set set:
                Send(record, service, facts, set, set.Assignment.Addresses);
                break;
            case Decision.Clear clear:
                Send(record, service, facts, clear, []);
                break;
        }
    }

    private void Send(ServiceRecord record, ServiceResource service, ServiceFacts facts, Decision decision, IReadOnlyList<IpAddress> addresses)
    {
        // Trying the same again is not news of its own: what is told in the end is what changed in the first place.
        if (record.Untold is null || !Equals(record.Untold.Result, decision.Result))
        {
            record.Untold = decision;
        }

        record.Contention?.Sent();
        record.Write = new StatusWrite(service, addresses, record.Write)
        {
            GivesBack = GivesBack(facts.ShownAddresses.Concat(record.MayShow(service)), addresses),
        };
        Follow(record.Write, wantsMore: decision.Refusal is not null);
        send(record.Write);
    }

    private static bool HasLanded(Decision decision, ServiceFacts facts) => decision.Result is { } assignment
        ? facts.Status.Count == assignment.Addresses.Count && !facts.ShownAddresses.Except(assignment.Addresses).Any()
        : facts.Status.Count == 0;

    private void Tell(ServiceRecord record, ServiceResource service)
    {
        if (record.Untold is not { } decision)
        {
            return;
        }

        record.Untold = null;
        if (record.Contention is { IsOn: true } && CauseOf(decision) == AllocationReason.StatusAltered)
        {
            return; // one Event tells of it, not one for each time
        }

        events.Tell(service, decision);
        switch (decision)
        {
            case Decision.Set set:
                CountAllocated(set);
                break;
            case Decision.Clear clear:
                ControllerMetrics.Cleared(clear.Cause.Reason);
                break;
        }
    }

    private void CountAllocated(Decision.Set set)
    {
        foreach (var address in set.Assignment.Addresses)
        {
            if (!set.Previous.Contains(address.ToString()) && allocator.PoolOf(address) is { } pool)
            {
                ControllerMetrics.Allocated(pool.Name);
            }
        }
    }

    private void Report(Decision decision, ServiceResource service, ServiceRecord record)
    {
        if (decision.Refusal == record.Reported)
        {
            return;
        }

        record.Reported = decision.Refusal;
        record.ReportedSince = record.LastTold = time.GetTimestamp();
        if (decision.Refusal is { } refusal)
        {
            ControllerMetrics.Refused(refusal.Reason);
            events.Tell(service, refusal, decision.Result);
        }
    }

    private void Forget(ObjectKey key, ServiceRecord? record)
    {
        somethingBecameFree |= allocator.Release(IdOf(key));
        if (record is not null)
        {
            records.Remove(key);
            contended.Remove(key);
            Waiting.Set(record.Age, null);
        }
    }

    private void ServeWaiting()
    {
        while (somethingBecameFree)
        {
            somethingBecameFree = false;
            foreach (var key in Waiting.Keys())
            {
                Plan(key);
            }
        }
    }
}
