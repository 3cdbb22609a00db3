using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.Benchmarks.Idle;

/// <summary>ARP requests of many hosts for hosts that are none of ours, at an even pace: what a large flat network says all day, exaggerated.</summary>
internal sealed class ForeignRequests : IDisposable
{
    private const int Senders = 200;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    private readonly PacketSocket socket;
    private readonly Thread thread;
    private readonly ManualResetEvent stopping = new(false);
    private long sent;

    public ForeignRequests(Host from, int perSecond)
    {
        socket = new PacketSocket(from, PacketSocket.Arp);
        var frames = Enumerable.Range(0, Senders)
            .Select(n => ArpFrame.Request($"02:43:00:00:00:{n:x2}", $"192.168.111.{n}", $"192.168.110.{(7 * n) % 250}")).ToArray();
        thread = new Thread(() => Run(frames, perSecond)) { IsBackground = true, Name = "foreign requests" };
        thread.Start();
    }

    public long Sent => Volatile.Read(ref sent);

    public void Dispose()
    {
        stopping.Set();
        thread.Join();
        stopping.Dispose();
        socket.Dispose();
    }

    // Late ticks are made up for: over a second the pace is kept.
    private void Run(byte[][] frames, int perSecond)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!stopping.WaitOne(Tick))
        {
            var due = (long)(TimeProvider.System.GetElapsedTime(start).TotalSeconds * perSecond);
            for (; sent < due; sent++)
            {
                socket.Send(frames[sent % frames.Length]);
            }
        }
    }
}
