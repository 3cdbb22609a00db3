using System.Buffers.Binary;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Tests.Fuzz;

/// <summary>A good frame to make bad ones of.</summary>
/// <param name="Bytes">The frame.</param>
/// <param name="IsAnswered">Whether it asks for something that is answered.</param>
/// <param name="Seal">Puts its checksum or signature right after a change, so that what comes behind that check is reached.</param>
internal sealed record SeedFrame(byte[] Bytes, bool IsAnswered, Func<byte[], byte[]> Seal);

/// <summary>One good frame of each kind that a speaker reads.</summary>
internal static class SeedFrames
{
    public static readonly MacAddress Link = MacAddress.Parse("52:54:00:00:00:01");
    public static readonly MacAddress Asker = MacAddress.Parse("52:54:00:00:00:aa");
    public static readonly MacAddress Peer = MacAddress.Parse("52:54:00:00:00:02");
    public static readonly IpAddress Vip4 = IpAddress.Parse("192.168.96.100");
    public static readonly IpAddress Vip6 = IpAddress.Parse("fd00:96::100");
    public static readonly HeartbeatKey Key = HeartbeatKey.From("the key of this cluster, 32 bytes"u8);

    public static IReadOnlyList<SeedFrame> All { get; } =
    [
        Arp(ArpPacket.Request, "192.168.96.7", "192.168.96.100", isAnswered: true),
        Arp(ArpPacket.Request, "0.0.0.0", "192.168.96.100", isAnswered: true),
        Arp(ArpPacket.Request, "192.168.96.101", "192.168.96.1", isAnswered: false),
        Arp(ArpPacket.Request, "192.168.96.100", "192.168.96.100", isAnswered: false),
        Arp(ArpPacket.Reply, "192.168.96.101", "192.168.96.11", isAnswered: false),
        PriorityTagged(),
        Ndp(NdpPacket.Ask(Asker, IpAddress.Parse("fd00:96::7").Value, Vip6.Value), isAnswered: true),
        Ndp(NdpPacket.Ask(Asker, 0, Vip6.Value), isAnswered: true),
        Ndp(NdpPacket.Ask(Asker, IpAddress.Parse("fd00:96::101").Value, IpAddress.Parse("fd00:96::1").Value), isAnswered: false),
        Advertisement(),
        Heartbeat(HeartbeatKind.Hello, MacAddress.Broadcast),
        Heartbeat(HeartbeatKind.Heartbeat, Link),
        Heartbeat(HeartbeatKind.ClaimRequest, Link),
        Heartbeat(HeartbeatKind.Claims, MacAddress.Broadcast, Claims("n2", ClaimKind.Owner)),
        Heartbeat(HeartbeatKind.Claims, Link, Claims("n3", ClaimKind.Deputy)),
    ];

    private static ulong sequence = 7;

    private static SeedFrame Arp(ushort operation, string sender, string target, bool isAnswered)
    {
        var frame = new byte[EthernetFrame.MinimumLength];
        new ArpPacket(operation, MacAddress.Broadcast, Asker, Asker, IpAddress.Parse(sender).AsUInt32, default, IpAddress.Parse(target).AsUInt32)
            .WriteFrame(frame);
        return new SeedFrame(frame, isAnswered, static bytes => bytes);
    }

    private static SeedFrame PriorityTagged()
    {
        var plain = Arp(ArpPacket.Request, "192.168.96.7", "192.168.96.100", isAnswered: true).Bytes;
        return new SeedFrame([.. plain[..12], 0x81, 0x00, 0xA0, 0x00, .. plain[12..]], IsAnswered: true, static bytes => bytes);
    }

    private static SeedFrame Ndp(NdpPacket packet, bool isAnswered)
    {
        var frame = new byte[NdpPacket.FrameLength];
        return new SeedFrame(frame[..packet.WriteFrame(frame)], isAnswered, SealNdp);
    }

    private static SeedFrame Advertisement()
    {
        var frame = new byte[NdpPacket.FrameLength];
        Announcement.Write(IpAddress.Parse("fd00:96::101").Value, Asker, Asker, frame);
        return new SeedFrame(frame, IsAnswered: false, SealNdp);
    }

    // It has heard run 1, the receiver's, and so is believed at once.
    private static SeedFrame Heartbeat(HeartbeatKind kind, MacAddress to, byte[]? claims = null)
    {
        var header = new HeartbeatHeader(kind, to, Peer, Boot: 0x1122334455667788, Sequence: 7, HeardBoot: 1, HeardSequence: 1,
            ViewDigest: 0, ViewCount: 1, SpeakerState.Ready, TimeSpan.FromMilliseconds(350), Losses: 0, ClaimDigest: 5);
        var identity = new HeartbeatIdentity("n2", "eth0", [IpPrefix.Parse("192.168.96.12/20"), IpPrefix.Parse("fd00:96::12/64")], []);
        var buffer = new byte[HeartbeatLayout.MaxFrame];
        return new SeedFrame(buffer[..HeartbeatEncoder.Encode(header, identity, Key, buffer, claims)], IsAnswered: false, Sign);
    }

    private static byte[] Claims(string subject, ClaimKind kind)
    {
        var room = new byte[500];
        Claim[] claims = [new(Vip4, subject, 3, kind), new(Vip6, subject, 4, kind)];
        return room[..ClaimCodec.Write(claims, subject, ClaimCodec.First | ClaimCodec.Last, room, out _)];
    }

    // RFC 4443 §2.3, on whatever the length field says as far as there are octets.
    internal static byte[] SealNdp(byte[] frame)
    {
        if (frame.Length < 58)
        {
            return frame;
        }

        var length = Math.Min((frame[18] << 8) | frame[19], frame.Length - 54);
        (frame[56], frame[57]) = (0, 0);
        var sum = 58L + ((frame[18] << 8) | frame[19]);
        for (var i = 22; i < 54 + length; i++)
        {
            sum += i % 2 == 0 ? frame[i] << 8 : frame[i];
        }

        while (sum > 0xFFFF)
        {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        (frame[56], frame[57]) = ((byte)(~sum >> 8), (byte)~sum);
        return frame;
    }

    // The signature ends the message, whose length stands in it. A number that was seen before is not looked at further.
    private static byte[] Sign(byte[] frame)
    {
        if (frame.Length < 54)
        {
            return frame;
        }

        BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(38), ++sequence);
        var end = Math.Clamp(14 + ((frame[20] << 8) | frame[21]), 54, frame.Length);
        Key.Sign(frame.AsSpan(0, end - 32), frame.AsSpan(end - 32, 32));
        return frame;
    }
}
