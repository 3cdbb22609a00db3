using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using LoadBalancer.Core.NodeLoss;

namespace LoadBalancer.Controller.NodeLoss;

/// <summary>Edge to the network: tries to connect to a kubelet's port.</summary>
/// <param name="endpoint">Where.</param>
/// <param name="stop">Ends the attempt.</param>
/// <returns>Whether the host answered, be it by a refusal.</returns>
internal delegate Task<bool> KubeletConnect(IPEndPoint endpoint, CancellationToken stop);

/// <summary>
/// Asks kubelets' ports whether their nodes live. The kernel answers for the port, so that a busy kubelet is no silent one; and silence
/// is believed only of a port that answered this replica within the last minute: otherwise a firewall, or this replica's own network, is
/// as good a reason.
/// </summary>
/// <param name="connect">The edge.</param>
/// <param name="time">The clock.</param>
internal sealed class KubeletPorts(KubeletConnect connect, TimeProvider time)
{
    /// <summary>How long a node that is said to be lost has to answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(300);

    /// <summary>How often each node's port is tried while nothing is the matter.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(20);

    /// <summary>How long an answer counts.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromMinutes(1);

    // A single lost packet would be repeated after a second only.
    private const int Attempts = 3;
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(80);
    private static readonly TimeSpan UsualPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan BetweenRounds = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<IPEndPoint, long> answered = new();

    /// <summary>Asks the port of a node that is said to be lost.</summary>
    public async Task<KubeletAnswer> AskAsync(IPEndPoint endpoint, CancellationToken stop)
    {
        var reachedBefore = answered.TryGetValue(endpoint, out var at) && time.GetElapsedTime(at) < Remembered;
        using var deadline = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, deadline.Token);
        var attempts = new List<Task<bool>>();
        while (!both.IsCancellationRequested)
        {
            if (attempts.Count < Attempts)
            {
                attempts.Add(TryAsync(endpoint, both.Token));
            }

            var next = Task.Delay(attempts.Count < Attempts ? BetweenAttempts : Patience, time, both.Token);
            await Task.WhenAny([.. attempts.Where(static a => !a.IsCompleted), next]).ConfigureAwait(false);
            if (attempts.Exists(static a => a is { IsCompletedSuccessfully: true, Result: true }))
            {
                answered[endpoint] = time.GetTimestamp();
                await both.CancelAsync().ConfigureAwait(false);
                return KubeletAnswer.Answered;
            }
        }

        stop.ThrowIfCancellationRequested();
        return reachedBefore ? KubeletAnswer.Silent : KubeletAnswer.NeverReached;
    }

    /// <summary>Tries the ports of all nodes now and then, spread over the interval, until cancelled.</summary>
    /// <param name="endpoints">Where they are now.</param>
    /// <param name="stop">Ends it.</param>
    public async Task KeepAsync(Func<IReadOnlyList<IPEndPoint>> endpoints, CancellationToken stop)
    {
        var met = new HashSet<IPEndPoint>();
        while (true)
        {
            var all = endpoints();
            met.IntersectWith(all);
            foreach (var gone in answered.Keys.Except(all).ToList())
            {
                answered.TryRemove(gone, out _);
            }

            // Who is new is asked at once: only after the first round can this replica judge.
            var round = new List<Task>(all.Count);
            foreach (var endpoint in all)
            {
                round.Add(NoteAsync(endpoint, stop));
                await Task.Delay(met.Add(endpoint) ? FirstPause : Interval / all.Count, time, stop).ConfigureAwait(false);
            }

            await Task.WhenAll(round).ConfigureAwait(false);
            NodeLossMetrics.KubeletsReached(answered.Values.Count(at => time.GetElapsedTime(at) < Remembered));
            await Task.Delay(BetweenRounds, time, stop).ConfigureAwait(false);
        }
    }

    /// <summary>Connects by TCP; a refusal is an answer of the host too.</summary>
    public static async Task<bool> ConnectAsync(IPEndPoint endpoint, CancellationToken stop)
    {
        using var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.LingerState = new LingerOption(true, 0);
        try
        {
            await socket.ConnectAsync(endpoint, stop).ConfigureAwait(false);
            return true;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset;
        }
    }

    private async Task NoteAsync(IPEndPoint endpoint, CancellationToken stop)
    {
        using var deadline = new CancellationTokenSource(UsualPatience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, deadline.Token);
        if (await TryAsync(endpoint, both.Token).ConfigureAwait(false))
        {
            answered[endpoint] = time.GetTimestamp();
        }
    }

    private async Task<bool> TryAsync(IPEndPoint endpoint, CancellationToken stop)
    {
        try
        {
            return await connect(endpoint, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
