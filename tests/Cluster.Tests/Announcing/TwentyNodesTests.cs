using System.Buffers.Binary;
using System.Globalization;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.LocalCluster.Workloads;
using LoadBalancer.Testing;

namespace LoadBalancer.Cluster.Tests.Announcing;

/// <summary>Twenty speakers on one link: what the segment hears of them, and what one of them costs its node.</summary>
[Limit(360, "twenty nodes begin, are measured twice, and end")]
public sealed class TwentyNodesTests(ClusterFixture fixture, ITestOutputHelper output) : OwnClusterTest(fixture, output, TwentyNodesTests.Count)
{
    private const int Count = 20;
    private const double BroadcastsPerSecond = 20;
    private const double UnicastsPerSecond = 200;

    // The aim is 2 % of a core. What a busy machine makes of it is no test; five times as much is a defect.
    private const double CoreShare = 0.1;
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task TwentySpeakers_KeepToTheirBudgetOfFrames_AlsoWhileOneIsAway()
    {
        await Cluster.DeployAsync("web", Cluster.Nodes.Take(2));
        await Cluster.SetDefaultPoolAsync();
        await Cluster.Programs.StartAllAsync();
        for (int number = 0; number < Count; number++)
        {
            await Cluster.Api.CreateAsync("/api/v1/namespaces/default/services", ServiceObject.LoadBalancer($"web-{number}"));
        }

        await Eventually.GetAsync(
            async () => (await SumAsync("loadbalancer_speaker_vips_owned{")) == Count ? "all" : null, Minute, "an owner for each", () => Cluster.Programs.Tails(5));

        await AnnouncementsAreOverAsync();
        await MeasureAsync("quiet");
        await Cluster.Programs.Speaker(Cluster.Nodes[4]).KillAsync();
        await MeasureAsync("one speaker killed");
    }

    /// <summary>Waits until nothing was announced for two seconds: the rounds of a take-over are a little more than one apart.</summary>
    private async Task AnnouncementsAreOverAsync()
    {
        double seen = -1;
        long since = 0;
        await Eventually.GetAsync(
            async () =>
            {
                double sent = await SumAsync("loadbalancer_speaker_announcements_sent_total");
                since = sent == seen ? since : TimeProvider.System.GetTimestamp();
                seen = sent;
                return TimeProvider.System.GetElapsedTime(since) > TimeSpan.FromSeconds(2) ? "over" : null;
            },
            Minute, "the end of the announcements");
    }

    private async Task MeasureAsync(string when)
    {
        // Asking twenty speakers takes a while itself: each is asked again as long after as the asking began.
        long counted = TimeProvider.System.GetTimestamp();
        double sent = await SumAsync("loadbalancer_speaker_heartbeats_sent_total");
        TimeSpan[] used = [.. Running.Select(speaker => speaker.ProcessorTime)];
        long start = TimeProvider.System.GetTimestamp();
        (int peers, int arp) = await BroadcastsAsync();
        double seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        double[] shares = [.. Running.Zip(used, (speaker, before) => (speaker.ProcessorTime - before) / TimeSpan.FromSeconds(seconds)).Order()];
        double between = TimeProvider.System.GetElapsedTime(counted).TotalSeconds;
        double all = ((await SumAsync("loadbalancer_speaker_heartbeats_sent_total")) - sent) / between;
        double unicasts = (all - (peers / seconds)) / shares.Length;

        Figure($"{when}: {peers / seconds:0.0} hellos and claims and {arp / seconds:0.0} ARP broadcasts a second on the segment; "
            + $"{unicasts:0} unicasts a second from a speaker; {100 * shares[shares.Length / 2]:0.0} % of a core by the median, {100 * shares[^1]:0.0} % by the busiest");
        Assert.InRange((peers + arp) / seconds, 0.1, BroadcastsPerSecond);
        Assert.InRange(unicasts, 10, UnicastsPerSecond);
        Assert.InRange(shares[shares.Length / 2], 0, CoreShare);
    }

    private ProgramProcess[] Running => [.. Cluster.Nodes.Select(Cluster.Programs.Speaker).Where(speaker => !speaker.HasExited)];

    private async Task<double> SumAsync(string metric)
    {
        double sum = 0;
        foreach (ProgramProcess speaker in Running)
        {
            sum += (await ClusterPrograms.FiguresAsync(speaker)).Where(line => line.StartsWith(metric, StringComparison.Ordinal))
                .Sum(line => double.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture));
        }

        return sum;
    }

    /// <summary>What every host of the segment had to hear for a while: speakers' own frames, and ARP.</summary>
    private async Task<(int Peers, int Arp)> BroadcastsAsync()
    {
        using var socket = new PacketSocket(Cluster.Client, PacketSocket.All);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        end.CancelAfter(Watched);
        byte[] frame = new byte[2048];
        int peers = 0, arp = 0;
        try
        {
            while (true)
            {
                await socket.ReceiveAsync(frame, end.Token);
                ushort type = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12));
                peers += frame[0] == 0xff && type == PacketSocket.Heartbeat ? 1 : 0;
                arp += frame[0] == 0xff && type == PacketSocket.Arp ? 1 : 0;
            }
        }
        catch (OperationCanceledException) when (!Cancel.IsCancellationRequested)
        {
            return (peers, arp);
        }
    }
}
