using System.Globalization;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.Benchmarks.Wire;

/// <summary>
/// How long an ARP answer takes on the wire: an address of ours and the address of the node that owns it, asked for in turns from another host, so
/// that what the machine does besides meets both.
/// </summary>
internal static class AnswerLatency
{
    private const int WarmUp = 200;
    private const int Rounds = 3000;
    private static readonly TimeSpan Lost = TimeSpan.FromMilliseconds(200);

    internal static void Show(Cluster cluster, string what, string vip, Node owner)
    {
        using var socket = new PacketSocket(cluster.Client, PacketSocket.Arp);
        var (ours, own) = (new List<TimeSpan>(Rounds), new List<TimeSpan>(Rounds));
        for (var i = -WarmUp; i < Rounds; i++)
        {
            var answered = Ask(socket, cluster.Client, vip);
            var itself = Ask(socket, cluster.Client, owner.Host.Address);
            if (i >= 0)
            {
                ours.Add(answered);
                own.Add(itself);
            }
        }

        ours.Sort();
        own.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  {what,-32} p50 {At(ours, 0.5):0.0} µs, {At(ours, 0.5) / At(own, 0.5):0.00} times the kernel's own; p99 {At(ours, 0.99):0.0} µs, {At(ours, 0.99) / At(own, 0.99):0.00} times"));
    }

    private static double At(List<TimeSpan> sorted, double share) => sorted[(int)(sorted.Count * share)].TotalMicroseconds;

    private static TimeSpan Ask(PacketSocket socket, Host from, string address)
    {
        Span<byte> frame = stackalloc byte[128];
        var began = TimeProvider.System.GetTimestamp();
        socket.Send(ArpFrame.Request(from.Mac, from.Address, address));
        while (TimeProvider.System.GetElapsedTime(began) is var took && took < Lost)
        {
            var length = socket.Receive(frame, Lost - took);
            if (length > 0 && ArpFrame.Read(frame[..length]) is { Operation: 2 } arp && arp.SenderIp == address)
            {
                return TimeProvider.System.GetElapsedTime(began);
            }
        }

        return Lost;
    }
}
