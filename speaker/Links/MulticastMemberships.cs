using System.Threading.Channels;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// Keeps every open link in the solicited-node groups of the IPv6 addresses in its table (RFC 4291 §2.7.1): the network card and
/// switches that snoop would keep solicitations for them away otherwise.
/// </summary>
/// <remarks>
/// Not on the thread that decides ownership: a takeover of thousands of addresses is announced before the kernel, which walks a list,
/// has joined as many groups.
/// </remarks>
public sealed partial class MulticastMemberships : IDisposable
{
    /// <summary>The pause after which groups that could not be joined are tried again.</summary>
    public static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(5);

    private readonly Func<IReadOnlyList<LinkRunner>> links;
    private readonly Func<LinkFacts, IMulticastGroups> open;
    private readonly ILogger logger;
    private readonly ITimer retry;
    private readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<LinkRunner, Membership> memberships = [];

    /// <summary>Memberships of links by sockets of the kernel.</summary>
    /// <param name="links">The open links, an immutable snapshot.</param>
    /// <param name="time">The clock of the pauses.</param>
    /// <param name="logger">Told of groups that cannot be joined.</param>
    public MulticastMemberships(Func<IReadOnlyList<LinkRunner>> links, TimeProvider time, ILogger logger)
        : this(links, facts => new KernelGroups(facts), time, logger)
    {
    }

    internal MulticastMemberships(
        Func<IReadOnlyList<LinkRunner>> links, Func<LinkFacts, IMulticastGroups> open, TimeProvider time, ILogger logger)
    {
        this.links = links;
        this.open = open;
        this.logger = logger;
        retry = time.CreateTimer(_ => Changed(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The table of a link is another one, or a link came or went. From any thread.</summary>
    public void Changed() => wake.Writer.TryWrite(true);

    /// <summary>Follows the tables until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Changed();
        await foreach (var _ in wake.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            Reconcile();
        }
    }

    /// <summary>Leaves all groups of all links. Not before <see cref="RunAsync"/> has ended.</summary>
    public void Dispose()
    {
        retry.Dispose();
        foreach (var membership in memberships.Values)
        {
            membership.Groups.Dispose();
        }

        memberships.Clear();
    }

    /// <summary>Makes the groups of every link match its table.</summary>
    internal void Reconcile()
    {
        var current = links();
        foreach (var gone in memberships.Keys.Except(current).ToList())
        {
            memberships.Remove(gone, out var membership);
            membership!.Groups.Dispose();
            SpeakerMetrics.MulticastGroups.WithLabels(gone.Facts.Name).Remove();
            SpeakerMetrics.MulticastGroupsMissing.WithLabels(gone.Facts.Name).Remove();
        }

        var complete = true;
        foreach (var runner in current)
        {
            complete &= Follow(runner);
        }

        if (!complete)
        {
            retry.Change(RetryPause, Timeout.InfiniteTimeSpan);
        }
    }

    private bool Follow(LinkRunner runner)
    {
        if (!memberships.TryGetValue(runner, out var membership))
        {
            memberships.Add(runner, membership = new Membership(new SolicitedNodeGroups(open(runner.Facts))));
        }

        var failure = membership.Groups.Follow(runner.Table);
        var name = runner.Facts.Name;
        SpeakerMetrics.MulticastGroups.WithLabels(name).Set(membership.Groups.Count);
        SpeakerMetrics.MulticastGroupsMissing.WithLabels(name).Set(membership.Groups.Missing);

        // Said once, not with every try.
        if (failure is { } found && found.Problem != membership.Problem)
        {
            LogCannotJoin(name, found.Group, found.Problem);
        }

        membership.Problem = failure?.Problem;
        return failure is null;
    }

    [LoggerMessage(EventId = 210, Level = LogLevel.Error, Message =
        "Cannot join the multicast group {Group} on link {Link}, trying again until it works: {Problem}. Neighbour solicitations for IPv6 addresses of this node may not arrive.")]
    private partial void LogCannotJoin(string link, IpAddress group, string problem);

    private sealed class Membership(SolicitedNodeGroups groups)
    {
        internal SolicitedNodeGroups Groups { get; } = groups;

        internal string? Problem { get; set; }
    }
}
