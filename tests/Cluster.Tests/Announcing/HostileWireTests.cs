using System.Security.Cryptography;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Announcing;

/// <summary>A stranger on the home network sends what no well-behaved host would.</summary>
public sealed class HostileWireTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private const string StrangersAddress = "192.168.96.66";

    [Fact]
    public async Task MalformedRequests_AreNotAnswered_AProperOneIs()
    {
        (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
        Host stranger = Stranger();
        byte[] proper = ArpFrame.Request(stranger.Mac, stranger.Address, address);
        await using ReplyLog replies = new(stranger, address);
        using var socket = new PacketSocket(stranger, PacketSocket.Arp);

        int sent = 0;
        foreach (byte[] frame in Malformed(proper, owner))
        {
            socket.Send(frame);
            sent++;
        }

        // What was sent before the proper request has been looked at once that one is answered.
        Assert.Equal(0, replies.Count);
        socket.Send(proper);
        await Eventually.TrueAsync(() => replies.Count > 0, Soon, "the answer to the proper request");
        await HoldsForAsync(TimeSpan.FromMilliseconds(200), () => true, "a moment for late answers");
        Assert.Equal(1, replies.Count);
        Figure($"{sent} malformed requests: no answer; one proper request: one answer");
    }

    [Fact]
    public async Task RandomFrames_ThousandsOfThem_HarmNoSpeaker()
    {
        (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
        Host stranger = Stranger();
        int[] before = [.. Cluster.Nodes.Select(node => Cluster.Programs.Speaker(node).Id)];
        var random = new Random(20260101);

        // Of another network: mutants of the stranger's own address would be addresses of the pool, which then count as taken for minutes.
        byte[] proper = ArpFrame.Request(stranger.Mac, "172.16.0.66", "192.168.96.77");
        using (var socket = new PacketSocket(stranger, PacketSocket.Arp))
        {
            for (int number = 0; number < 20_000; number++)
            {
                socket.Send(number % 2 == 0 ? Mutated(proper, random) : Garbage(random));
            }
        }

        Assert.Equal(owner, await OwnerOnWireAsync(address));
        Assert.Equal(before, Cluster.Nodes.Select(node => Cluster.Programs.Speaker(node).Id));
        foreach (Node node in Cluster.Nodes)
        {
            Assert.False(Cluster.Programs.Speaker(node).HasExited);
            Assert.True((await ClusterPrograms.GetAsync(Cluster.Programs.Speaker(node), "healthz")).Success);
        }
    }

    [Fact]
    public async Task RecordedHeartbeats_SentAgain_KeepNoDeadNodeAlive()
    {
        (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
        Host stranger = Stranger();
        using var socket = new PacketSocket(stranger, PacketSocket.Heartbeat);
        List<byte[]> recorded = await RecordAsync(socket, owner.Host.Mac);
        await using ConnectProbe probe = ConnectProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => probe.SucceededSince(default), Soon, "a connection");
        using var stop = new CancellationTokenSource();
        Task replay = ReplayAsync(socket, recorded, stop.Token);

        TimeSpan cut = probe.Now;
        owner.Host.Unplug();
        await Eventually.TrueAsync(() => probe.SucceededSince(cut), Soon, "a connection elsewhere", () => Cluster.Programs.Tails());
        TimeSpan gap = probe.LongestGap(cut - TimeSpan.FromMilliseconds(20));
        await stop.CancelAsync();
        await replay;

        Figure($"{recorded.Count} hellos of {owner.Name} replayed while it is gone: unreachable for {gap.TotalMilliseconds:0} ms");
        Assert.InRange(gap, TimeSpan.Zero, FailedOver);
    }

    private Host Stranger() => Cluster.Switch.Hosts.FirstOrDefault(host => host.Name == "stranger") ?? Cluster.Switch.Connect("stranger", StrangersAddress);

    private static async Task<List<byte[]>> RecordAsync(PacketSocket socket, string from)
    {
        var recorded = new List<byte[]>();
        byte[] source = ArpFrame.Mac(from), buffer = new byte[2048];
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(Soon);
        while (recorded.Count < 3)
        {
            int length = await socket.ReceiveAsync(buffer, patience.Token);
            if (buffer.AsSpan(6, 6).SequenceEqual(source))
            {
                recorded.Add(buffer[..length]);
            }
        }

        return recorded;
    }

    private static async Task ReplayAsync(PacketSocket socket, List<byte[]> frames, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                frames.ForEach(frame => socket.Send(frame));
            }
        }
        catch (OperationCanceledException)
        {
            // Enough.
        }
    }

    private static IEnumerable<byte[]> Malformed(byte[] proper, Node owner)
    {
        for (int length = 14; length < 42; length++)
        {
            yield return proper[..length];
        }

        yield return With(proper, 15, 2);      // hardware type
        yield return With(proper, 14, 1);
        yield return With(proper, 16, 0x86);   // protocol type
        yield return With(proper, 17, 1);
        yield return With(proper, 18, 5);      // address lengths
        yield return With(proper, 18, 255);
        yield return With(proper, 19, 16);
        yield return With(proper, 19, 0);
        foreach (byte operation in (byte[])[0, 2, 3, 4, 8, 9, 255])
        {
            yield return With(proper, 21, operation);
        }

        yield return With(proper, 20, 1);
        yield return With(proper, 0, 0x03);    // to a multicast group that is not the broadcast address
        byte[] toNobody = [.. proper];
        ArpFrame.Mac("02:00:00:00:00:99").CopyTo(toNobody, 0);
        yield return toNobody;
        byte[] toNeighbour = [.. proper];
        ArpFrame.Mac(owner.Host.Mac).CopyTo(toNeighbour, 0);
        toNeighbour[5] ^= 0xff;
        yield return toNeighbour;
    }

    private static byte[] With(byte[] frame, int index, byte value)
    {
        byte[] copy = [.. frame];
        copy[index] = value;
        return copy;
    }

    private static byte[] Mutated(byte[] frame, Random random)
    {
        byte[] copy = [.. frame[..random.Next(14, frame.Length + 1)]];
        for (int times = random.Next(1, 5); times > 0; times--)
        {
            copy[random.Next(12, copy.Length)] = (byte)random.Next(256);
        }

        return copy;
    }

    /// <summary>Anything, half of it dressed as a heartbeat.</summary>
    private static byte[] Garbage(Random random)
    {
        byte[] frame = RandomNumberGenerator.GetBytes(random.Next(14, 600));
        frame.AsSpan(0, 6).Fill(0xff);
        (frame[12], frame[13]) = random.Next(2) == 0 ? ((byte)0x88, (byte)0xB5) : ((byte)0x08, (byte)0x06);
        return frame;
    }

    /// <summary>Counts the ARP replies for one address that reach a host.</summary>
    private sealed class ReplyLog : IAsyncDisposable
    {
        private readonly PacketSocket _socket;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _task;
        private int _count;

        internal ReplyLog(Host host, string address)
        {
            _socket = new PacketSocket(host, PacketSocket.Arp);
            _task = ListenAsync(address);
        }

        internal int Count => Volatile.Read(ref _count);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _task;
            _socket.Dispose();
            _stop.Dispose();
        }

        private async Task ListenAsync(string address)
        {
            byte[] frame = new byte[2048];
            try
            {
                while (true)
                {
                    int length = await _socket.ReceiveAsync(frame, _stop.Token);
                    if (ArpFrame.Read(frame.AsSpan(0, length)) is { Operation: 2 } reply && reply.SenderIp == address && frame[0] != 0xff)
                    {
                        Interlocked.Increment(ref _count);
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // Enough.
            }
        }
    }
}
