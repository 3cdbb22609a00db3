using LoadBalancer.Hosting;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Membership;
using LoadBalancer.Speaker.NodeLoss;
using LoadBalancer.Speaker.Ownership;
using LoadBalancer.Speaker.Strangers;

namespace LoadBalancer.Speaker;

/// <summary>
/// What this node says in its Lease: whom it hears on which links, its gateways and hardware addresses, what it announces, and which nodes it
/// finds lost. Said anew when any of that changes.
/// </summary>
internal sealed class NodeStatement
{
    // An API server that lives answers in a hundredth of that.
    private static readonly TimeSpan SignPatience = TimeSpan.FromMilliseconds(300);

    /// <summary>The programs' namespace and the node's name.</summary>
    public required ObjectKey Key { get; init; }

    /// <summary>Where it is said.</summary>
    public required NodeLease Lease { get; init; }

    /// <summary>By which way the API server is reached.</summary>
    public required ApiConnection Connection { get; init; }

    /// <summary>The monotonic clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>All Nodes: this one owns the Lease.</summary>
    public required IStore<NodeResource> Nodes { get; init; }

    /// <summary>The speakers' Leases, as they were when this run began.</summary>
    public required Store<LeaseResource> Leases { get; init; }

    /// <summary>The open links.</summary>
    public required LinkRunners Runners { get; init; }

    /// <summary>Who is heard.</summary>
    public required Heartbeats Heartbeats { get; init; }

    /// <summary>Which addresses strangers have.</summary>
    public required StrangerWatch Strangers { get; init; }

    /// <summary>Which nodes are lost.</summary>
    public required LossWatch Losses { get; init; }

    /// <summary>What is announced here.</summary>
    public required PublishedAddresses Published { get; init; }

    /// <summary>Told when the former run ended.</summary>
    public required OwnershipEvents Events { get; init; }

    /// <summary>Keeps the Lease until the token is cancelled.</summary>
    public async Task KeepAsync(CancellationToken cancellationToken)
    {
        // The Lease of the former run is read before this run writes it anew.
        await Leases.Synced.WaitAsync(cancellationToken).ConfigureAwait(false);
        var former = Leases.Get(Key);
        Events.RememberFormerRun(former?.RenewTime);
        Strangers.RememberFormerRun(former?.Annotations.GetValueOrDefault(StrangerAnnotations.Taken));
        Say();
        Lease.Renewing += Say;
        Heartbeats.StandingChanged += Say;
        Strangers.PublishedChanged += Say;
        Losses.Changed += SayLosses;
        Published.Changed += Say;
        Nodes.Changed += key =>
        {
            if (key.Name == Key.Name)
            {
                Say();
            }
        };
        await Task.WhenAll(Lease.RunAsync(cancellationToken), WatchRoutesAsync(cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Says what is so now. From any thread.</summary>
    public void Say()
    {
        var node = Nodes.Get(new ObjectKey("", Key.Name));
        var facts = Runners.Current.Select(runner => runner.Facts);
        var gateways = Gateways.Read();
        Heartbeats.Gateways = gateways;
        var annotations = new Dictionary<string, string>(SpeakerLeases.Annotations(facts, Heartbeats.Standing.Ready, gateways, Heartbeats.Segments))
        {
            [StrangerAnnotations.Macs] = StrangerAnnotations.Of(facts.Select(link => link.Mac)),
            [StrangerAnnotations.Taken] = Strangers.Published,
            [AnnouncedAddresses.Announces] = Published.Announces,
            [AnnouncedAddresses.Silent] = Published.Silent,
            [SpeakerAnnotations.Version] = ProgramIdentity.Version,
        };
        if (Losses.Statements is { Length: > 0 } lost)
        {
            annotations[LossAnnotations.Lost] = lost;
        }

        Lease.Say(
            annotations,
            node is { Uid.Length: > 0 } ? new ObjectOwner("v1", "Node", Key.Name, node.Uid) : null);
    }

    // Routes come and go without a word to whoever watches interfaces; a gateway is no news that hurries.
    private async Task WatchRoutesAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LinkScanner.ScanInterval, Time);
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
        {
            Say();
        }
    }

    // The control plane this speaker talks to may have been on the lost node: then what it has to say needs another connection.
    private void SayLosses()
    {
        Say();
        _ = Connection.RenewIfSilentAsync(SignPatience, Time, CancellationToken.None);
    }
}
