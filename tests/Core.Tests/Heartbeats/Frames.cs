using System.Text;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Tests.Heartbeats;

/// <summary>Frames and keys the heartbeat tests share.</summary>
internal static class Frames
{
    public static readonly HeartbeatKey Key = KeyOf("the key of this cluster, 32 bytes");
    public static readonly HeartbeatKey OtherKey = KeyOf("another key that is long enough..");
    public static readonly HeartbeatKeys Keys = new(Key);
    public static readonly MacAddress Own = MacAddress.Parse("52:54:00:00:00:01");
    public static readonly MacAddress Peer = MacAddress.Parse("52:54:00:00:00:02");

    public static readonly HeartbeatIdentity Identity = new(
        "n2", "eth0",
        [IpPrefix.Parse("192.168.96.12/20"), IpPrefix.Parse("fd00:96::12/64")],
        [IpPrefix.Parse("10.1.0.12/16")]);

    public static readonly HeartbeatHeader Header = new(
        HeartbeatKind.Heartbeat, Own, Peer, Boot: 0x1122334455667788, Sequence: 7, HeardBoot: 0xAABBCCDD, HeardSequence: 5,
        ViewDigest: 0xFEDC, ViewCount: 3, SpeakerState.Ready | SpeakerState.Holding, TimeSpan.FromMilliseconds(350), Losses: 2);

    public static HeartbeatKey KeyOf(string text) => HeartbeatKey.From(Encoding.ASCII.GetBytes(text));

    public static byte[] Encode(HeartbeatHeader? header = null, HeartbeatIdentity? identity = null, HeartbeatKey? key = null)
    {
        Span<byte> buffer = stackalloc byte[HeartbeatLayout.MaxFrame];
        return buffer[..HeartbeatEncoder.Encode(header ?? Header, identity ?? Identity, key ?? Key, buffer)].ToArray();
    }

    public static HeartbeatRefusal Decode(ReadOnlySpan<byte> frame, HeartbeatKeys? keys = null) =>
        HeartbeatDecoder.Decode(frame, Own, keys ?? Keys, out _);

    /// <summary>Signs anew after a change, so that what comes after the signature check is reached.</summary>
    public static byte[] Resign(byte[] frame)
    {
        Key.Sign(frame.AsSpan(0, frame.Length - 32), frame.AsSpan(frame.Length - 32));
        return frame;
    }
}
