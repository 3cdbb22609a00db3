using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Kubectl.Doctor;

/// <summary>
/// Asks a link for addresses by raw frames (packet(7); root, or the capability NET_RAW), and hears everybody who answers. The questions are
/// probes (RFC 5227 §2.1.1, RFC 4862 §5.4.2): they state nothing and change nobody's cache.
/// </summary>
internal sealed class WireQuestions : IDisposable
{
    /// <summary>How often an address is asked for until somebody answers: one frame may be lost, and on Wi-Fi broadcasts often are.</summary>
    public const int Rounds = 3;

    private const AddressFamily PacketFamily = (AddressFamily)65536;
    private const int LongestFrame = 128;

    // Every host of the segment hears each question.
    private static readonly TimeSpan BetweenQuestions = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    private readonly Socket socket;
    private readonly LocalLink link;
    private readonly IpFamily family;
    private readonly TimeProvider time;

    private WireQuestions(Socket socket, LocalLink link, IpFamily family, TimeProvider time) =>
        (this.socket, this.link, this.family, this.time) = (socket, link, family, time);

    /// <summary>Opens a link; null without the right to.</summary>
    public static WireQuestions? TryOpen(LocalLink link, IpFamily family, TimeProvider time)
    {
        var etherType = family == IpFamily.IPv4 ? EthernetFrame.EtherTypeArp : EthernetFrame.EtherTypeIPv6;
        var onWire = BinaryPrimitives.ReverseEndianness((ushort)etherType);
        try
        {
            var socket = new Socket(PacketFamily, SocketType.Raw, (ProtocolType)onWire) { ReceiveBufferSize = 1 << 20 };
            try
            {
                socket.Bind(new LinkAddress(onWire, link.Index));
                return new WireQuestions(socket, link, family, time);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>Asks for each address, again for those that nobody answers for.</summary>
    /// <returns>Who answered for which, each once, the quickest first.</returns>
    public async Task<ILookup<IpAddress, HereAnswer>> AskAsync(IReadOnlyCollection<IpAddress> addresses, CancellationToken stop)
    {
        var asked = new Dictionary<IpAddress, long>();
        var answers = new Dictionary<(IpAddress, string), HereAnswer>();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var hearing = HearAsync(asked, answers, end.Token);
        for (var round = 0; round < Rounds; round++)
        {
            var silent = Locked(answers, () => addresses.Where(address => !answers.Keys.Any(key => key.Item1 == address)).ToArray());
            if (silent.Length == 0)
            {
                break;
            }

            foreach (var address in silent)
            {
                Locked(answers, () => asked[address] = time.GetTimestamp());
                Ask(address);
                await Task.Delay(BetweenQuestions, time, stop).ConfigureAwait(false);
            }

            // Also after the first has answered: a second one may be slower.
            await Task.Delay(Patience, time, stop).ConfigureAwait(false);
        }

        await end.CancelAsync().ConfigureAwait(false);
        await hearing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return answers.OrderBy(static entry => entry.Value.Milliseconds).ToLookup(static entry => entry.Key.Item1, static entry => entry.Value);
    }

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();

    /// <summary>Who says in a frame that an address is his; null if nobody does.</summary>
    internal static (IpAddress Address, MacAddress Mac)? Read(ReadOnlySpan<byte> frame, IpFamily family)
    {
        if (family == IpFamily.IPv4)
        {
            return ArpPacket.Read(frame, out var arp) == DropReason.None && arp.Operation == ArpPacket.Reply
                ? (IpAddress.From(IpFamily.IPv4, arp.SenderIp), arp.SenderMac) : null;
        }

        return NdpPacket.Read(frame, out var ndp) == DropReason.None && ndp.Type == NdpPacket.Advertisement
            ? (IpAddress.From(IpFamily.IPv6, ndp.Target), ndp.SenderMac) : null;
    }

    private static T Locked<T>(object gate, Func<T> function)
    {
        lock (gate)
        {
            return function();
        }
    }

    private void Ask(IpAddress address)
    {
        Span<byte> frame = stackalloc byte[LongestFrame];
        var length = AddressProbe.Write(address, link.Mac, frame);
        socket.Send(frame[..length]);
    }

    private async Task HearAsync(Dictionary<IpAddress, long> asked, Dictionary<(IpAddress, string), HereAnswer> answers, CancellationToken stop)
    {
        var frame = new byte[2048];
        while (true)
        {
            var length = await socket.ReceiveAsync(frame.AsMemory(), SocketFlags.None, stop).ConfigureAwait(false);
            if (Read(frame.AsSpan(0, length), family) is not ({ } address, { } mac))
            {
                continue;
            }

            lock (answers)
            {
                if (asked.TryGetValue(address, out var at))
                {
                    answers.TryAdd((address, mac.ToString()), new HereAnswer(mac.ToString(), time.GetElapsedTime(at).TotalMilliseconds));
                }
            }
        }
    }

    /// <summary>A <c>sockaddr_ll</c>.</summary>
    private sealed class LinkAddress(ushort protocol, int index) : EndPoint
    {
        public override AddressFamily AddressFamily => PacketFamily;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily, 20);
            var content = address.Buffer.Span;
            BinaryPrimitives.WriteUInt16LittleEndian(content[2..], protocol);
            BinaryPrimitives.WriteInt32LittleEndian(content[4..], index);
            return address;
        }

        public override EndPoint Create(SocketAddress socketAddress) => this;
    }
}
