using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Status;

namespace LoadBalancer.Controller.Report;

/// <summary>
/// What this replica saw change, leading or not: addresses that Services got and lost, who announces them, speakers that came and went. Made from
/// what changed in the stores, object by object. From any thread.
/// </summary>
internal sealed class History
{
    /// <summary>How many entries are kept.</summary>
    public const int Capacity = 200;

    private readonly ControllerStores stores;
    private readonly TimeProvider wallClock;
    private readonly Lock gate = new();
    private readonly LinkedList<ChangeStatus> entries = [];
    private readonly Dictionary<ObjectKey, string[]> ingress = [];
    private readonly Dictionary<ObjectKey, Said> said = [];

    /// <param name="stores">What is watched; not listed yet.</param>
    /// <param name="wallClock">The wall clock.</param>
    public History(ControllerStores stores, TimeProvider wallClock)
    {
        this.stores = stores;
        this.wallClock = wallClock;
        stores.Services.Changed += OnService;
        stores.Leases.Changed += OnLease;
    }

    /// <summary>The entries, the latest first.</summary>
    public IReadOnlyList<ChangeStatus> Latest
    {
        get
        {
            lock (gate)
            {
                return [.. entries];
            }
        }
    }

    private void OnService(ObjectKey key)
    {
        var service = stores.Services.Get(key);
        string[] now = service is { Type: "LoadBalancer", Deleting: false } ? [.. service.Ingress.Select(static point => point.Ip).Where(static ip => ip.Length > 0)] : [];
        lock (gate)
        {
            var before = ingress.GetValueOrDefault(key, []);
            if (now.AsSpan().SequenceEqual(before))
            {
                return;
            }

            if (now.Length > 0)
            {
                ingress[key] = now;
            }
            else
            {
                ingress.Remove(key);
            }

            // What is listed at the start was so before.
            if (stores.Services.HasSynced)
            {
                var (reason, message) = (before.Length, now.Length) switch
                {
                    (0, _) => ("AddressGiven", $"has {Listed(now)}"),
                    (_, 0) => ("AddressTaken", $"has no address any more, it had {Listed(before)}"),
                    _ => ("AddressChanged", $"has {Listed(now)}, it had {Listed(before)}"),
                };
                Add("Service", key.Namespace, key.Name, "Normal", reason, message);
            }
        }
    }

    private void OnLease(ObjectKey key)
    {
        var now = stores.Leases.Get(key) is { } lease ? Said.By(lease) : Said.Nothing;
        lock (gate)
        {
            var before = said.GetValueOrDefault(key, Said.Nothing);
            if (now == before)
            {
                return;
            }

            if (now == Said.Nothing)
            {
                said.Remove(key);
            }
            else
            {
                said[key] = now;
            }

            FollowSpeaker(key.Name, before, now);
            FollowAddresses(key, before, now);
        }
    }

    private void FollowSpeaker(string node, Said before, Said now)
    {
        if (now.IsHeld != before.IsHeld && stores.Leases.HasSynced)
        {
            Add("Node", null, node, "Normal", now.IsHeld ? "SpeakerStarted" : "SpeakerStopped", now.IsHeld ? $"speaker has started{(now.Version.Length > 0 ? ", version " + now.Version : "")}" : "speaker has stopped");
        }

        foreach (var lost in now.Lost.Except(before.Lost))
        {
            Add("Node", null, lost, "Warning", "NodeLost", $"is lost, says {node}");
        }

        var strangers = now.Taken.ExceptBy(before.Taken.Select(static taken => taken.Address), static taken => taken.Address).ToArray();
        if (strangers.Length > 0)
        {
            Add("Node", null, node, "Warning", "AddressInUse", $"found {Listed([.. strangers.Select(static taken => $"{taken.Address} at {taken.Mac}")])} used by other hosts");
        }
    }

    // A Lease is late, and the moment is known: entries of other Leases that came before may be of after.
    private void FollowAddresses(ObjectKey key, Said before, Said now)
    {
        foreach (var group in now.AnnouncedBeside(before).GroupBy(static entry => (entry.Since, entry.For)).OrderBy(static group => group.Key.Since))
        {
            var addresses = group.Select(static entry => entry.Address).Order().Select(static address => address.ToString()).ToArray();
            Add("Node", null, key.Name, "Normal", group.Key.For is null ? "Announces" : "Represents",
                group.Key.For is null ? $"announces {Listed(addresses)}" : $"answers for {group.Key.For} with {Listed(addresses)}", group.Key.Since);
        }

        foreach (var group in now.SilentBeside(before).GroupBy(static entry => entry.Reason, StringComparer.Ordinal).Where(_ => stores.Leases.HasSynced))
        {
            Add("Node", null, key.Name, group.Key == "NoServingEndpoint" ? "Normal" : "Warning", group.Key,
                $"says that nobody announces {Listed([.. group.Select(static entry => entry.Address).Order().Select(static address => address.ToString())])}");
        }
    }

    private void Add(string kind, string? @namespace, string name, string type, string reason, string message, DateTimeOffset? at = null)
    {
        var entry = new ChangeStatus { At = at ?? wallClock.GetUtcNow(), Kind = kind, Namespace = @namespace, Name = name, Type = type, Reason = reason, Message = message };
        var later = entries.First;
        while (later is not null && later.Value.At > entry.At)
        {
            later = later.Next;
        }

        if (later is null)
        {
            entries.AddLast(entry);
        }
        else
        {
            entries.AddBefore(later, entry);
        }

        if (entries.Count > Capacity)
        {
            entries.RemoveLast();
        }
    }

    private static string Listed(string[] texts) =>
        string.Join(", ", texts.Take(3)) + (texts.Length > 3 ? $" and {texts.Length - 3} more" : "");

    /// <summary>What of a Lease is followed, and nothing that changes with each renewal.</summary>
    private sealed record Said(bool IsHeld, string Version, string Announces, string SilentText, string TakenText, string LostText)
    {
        public static readonly Said Nothing = new(false, "", "", "", "", "");

        private LeaseResource Lease { get; init; } = new() { Key = new ObjectKey("", "") };

        /// <summary>What it announces, but for what another said the same of: thousands of addresses are read once, and not each time that something else changes.</summary>
        public IEnumerable<AnnouncedAddress> AnnouncedBeside(Said other) => Announces == other.Announces && IsHeld == other.IsHeld ? [] : Announced.Except(other.Announced);

        /// <summary>What it says nobody announces, likewise.</summary>
        public IEnumerable<(string Reason, IpAddress Address)> SilentBeside(Said other) => SilentText == other.SilentText ? [] : Silent.Except(other.Silent);

        private IReadOnlyList<AnnouncedAddress> Announced => IsHeld ? AnnouncedAddresses.AnnouncedBy(Lease) : [];

        private IReadOnlyList<(string Reason, IpAddress Address)> Silent => AnnouncedAddresses.SilentBy(Lease);

        public IReadOnlyList<(string Address, string Mac)> Taken => [.. StrangerAnnotations.TakenOf(Lease).Select(static taken => (taken.Address.ToString(), taken.Mac.ToString()))];

        public IReadOnlyList<string> Lost => [.. LossAnnotations.LostOf(Lease).Select(static lost => lost.Node)];

        public static Said By(LeaseResource lease) => new(
            NodeLease.IsHeld(lease), Text(lease, SpeakerAnnotations.Version), Text(lease, AnnouncedAddresses.Announces), Text(lease, AnnouncedAddresses.Silent),
            Text(lease, StrangerAnnotations.Taken), Text(lease, LossAnnotations.Lost))
        {
            Lease = lease,
        };

        public bool Equals(Said? other) => other is not null
            && (IsHeld, Version, Announces, SilentText, TakenText, LostText) == (other.IsHeld, other.Version, other.Announces, other.SilentText, other.TakenText, other.LostText);

        public override int GetHashCode() => HashCode.Combine(IsHeld, Version, Announces, SilentText, TakenText, LostText);

        private static string Text(LeaseResource lease, string annotation) => lease.Annotations.GetValueOrDefault(annotation, "");
    }
}
