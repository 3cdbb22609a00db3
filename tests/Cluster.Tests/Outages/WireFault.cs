using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LocalClusterOf = LoadBalancer.LocalCluster.Cluster;

namespace LoadBalancer.Cluster.Tests.Outages;

/// <summary>A fault of one node, or of what it hangs on, and what a client may notice of it.</summary>
/// <param name="Name">The row of the table.</param>
/// <param name="Goal">The longest time without an answer on a quiet machine.</param>
/// <param name="Bound">What no machine may pass: a busy one is late, too.</param>
/// <param name="Harm">Brings it about, and returns early if it is one that goes on.</param>
/// <param name="Heal">Ends it.</param>
public sealed record WireFault(string Name, TimeSpan Goal, TimeSpan Bound, Func<FaultScene, Task> Harm, Func<FaultScene, Task> Heal)
{
    private const int LossPercent = 30;
    private static readonly TimeSpan Unnoticed = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FailedOver = TimeSpan.FromSeconds(2);

    /// <summary>It hears requests, and nobody hears its answers.</summary>
    public static WireFault OwnerCannotSend { get; } = Of(
        "owner cannot send", 400, FailedOver, scene => scene.Owner.Host.Lose(PortLoss.FromHost), scene => scene.Owner.Host.LoseNothing());

    /// <summary>Its frames go out as ever; it hears neither requests nor peers.</summary>
    public static WireFault OwnerCannotHear { get; } = Of(
        "owner cannot hear", 500, FailedOver, scene => scene.Owner.Host.Lose(PortLoss.ToHost), scene => scene.Owner.Host.LoseNothing());

    /// <summary>It hears no peer, and must not think itself alone.</summary>
    public static WireFault OtherCannotHear { get; } = Of(
        "another node cannot hear", 50, Unnoticed, scene => scene.Other.Host.Lose(PortLoss.ToHost), scene => scene.Other.Host.LoseNothing());

    /// <summary>All rows.</summary>
    public static IReadOnlyList<WireFault> All { get; } =
    [
        Of("owner's link dead both ways", 400, FailedOver, scene => scene.Owner.Host.Block(), scene => scene.Owner.Host.Unblock()),
        new("owner's link flaps three times", TimeSpan.FromMilliseconds(400), FailedOver, FlapAsync, _ => Task.CompletedTask),
        OwnerCannotSend,
        OwnerCannotHear,
        OtherCannotHear,
        Of("another node cannot send", 50, Unnoticed, scene => scene.Other.Host.Lose(PortLoss.FromHost), scene => scene.Other.Host.LoseNothing()),
        Of("30 % loss at the owner", 200, Unnoticed, scene => scene.Owner.Host.Lose(PortLoss.Both, LossPercent), scene => scene.Owner.Host.LoseNothing()),
        Of("30 % loss at all nodes", 200, Unnoticed, scene => scene.Each(host => host.Lose(PortLoss.ToHost, LossPercent)), scene => scene.Each(host => host.LoseNothing())),
        Of("30 % loss between all hosts, the client among them", 300, Unnoticed,
            scene => scene.EachHost(host => host.Lose(PortLoss.ToHost, LossPercent)), scene => scene.EachHost(host => host.LoseNothing())),
        new("owner's speaker paused for 4 s", TimeSpan.FromMilliseconds(250), Unnoticed, PauseAsync, _ => Task.CompletedTask),
        new("owner's speaker killed", TimeSpan.FromMilliseconds(250), Unnoticed,
            scene => scene.Cluster.Programs.Speaker(scene.Owner).KillAsync(), scene => scene.Cluster.Programs.StartAllAsync()),
        new("API server away", TimeSpan.FromMilliseconds(50), Unnoticed, scene => scene.StopServer(), scene => scene.StartServer()),
        new("API server away and owner unplugged", TimeSpan.FromMilliseconds(400), FailedOver,
            async scene =>
            {
                await scene.StopServer();
                scene.Owner.Host.Unplug();
            },
            async scene =>
            {
                scene.Owner.Host.Plug();
                await scene.StartServer();
            }),
    ];

    private static WireFault Of(string name, int goal, TimeSpan bound, Action<FaultScene> harm, Action<FaultScene> heal) =>
        new(name, TimeSpan.FromMilliseconds(goal), bound, Do(harm), Do(heal));

    private static Func<FaultScene, Task> Do(Action<FaultScene> action) => scene =>
    {
        action(scene);
        return Task.CompletedTask;
    };

    private static async Task FlapAsync(FaultScene scene)
    {
        for (int flap = 0; flap < 3; flap++)
        {
            scene.Owner.Host.Unplug();
            await scene.PassAsync(TimeSpan.FromSeconds(1));
            scene.Owner.Host.Plug();
            await scene.PassAsync(TimeSpan.FromSeconds(1));
        }
    }

    private static async Task PauseAsync(FaultScene scene)
    {
        scene.Cluster.Programs.Speaker(scene.Owner).Pause();
        await scene.PassAsync(TimeSpan.FromSeconds(4));
        scene.Cluster.Programs.Speaker(scene.Owner).Continue();
    }
}

/// <summary>Where a fault happens.</summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="Owner">The node that owns the address.</param>
/// <param name="Other">One that does not.</param>
/// <param name="Probe">The client that asks for the address.</param>
/// <param name="StopServer">Stops the API server.</param>
/// <param name="StartServer">Starts it again.</param>
public sealed record FaultScene(
    LocalClusterOf Cluster, Node Owner, Node Other, ArpProbe Probe, Func<Task> StopServer, Func<Task> StartServer)
{
    /// <summary>Lets time pass.</summary>
    public async Task PassAsync(TimeSpan duration)
    {
        TimeSpan until = Probe.Now + duration;
        await LocalCluster.Eventually.TrueAsync(() => Probe.Now >= until, duration + TimeSpan.FromSeconds(10), "the end of a while");
    }

    /// <summary>Does something at every host of the segment.</summary>
    public void EachHost(Action<Host> action)
    {
        foreach (Host host in Cluster.Switch.Hosts)
        {
            action(host);
        }
    }

    /// <summary>Does something at every node.</summary>
    public void Each(Action<Host> action)
    {
        foreach (Node node in Cluster.Nodes)
        {
            action(node.Host);
        }
    }
}
