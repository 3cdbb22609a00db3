using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Pools;
using LoadBalancer.Core.Tests.Heartbeats;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>Nodes, VIPs and frames the ownership tests share.</summary>
internal static class Members
{
    public static readonly Pool AnyPool = new() { Name = "default", Ranges = [IpPrefix.Parse("192.168.96.0/20").Range] };

    /// <summary>What n1 knows of a segment in the moment it begins to listen, in its run 99.</summary>
    public static SegmentMembership ReadyNode() => new(
        new MembershipTimings(), new HeartbeatIdentity("n1", "eth0", [IpPrefix.Parse("192.168.96.11/20")], []), boot: 99, now: default)
    {
        Ready = true,
    };

    public static SegmentMember Of(string node, string prefix = "192.168.96.11/20", string? other = null, string link = "eth0") => new(
        node, link, MemberSource.Wire, [IpPrefix.Parse(prefix)], other is null ? [] : [IpPrefix.Parse(other)],
        Ready: true, Leaving: false, Holding: false, HearsUs: true);

    public static VipFacts Vip(string ip) =>
        new() { Address = IpAddress.Parse(ip), ElectionAddress = IpAddress.Parse(ip), Pool = AnyPool, Served = true };

    /// <summary>The state of a VIP that this node owns, as it says, in a term.</summary>
    public static OwnershipState Owning(string? node, ulong term) => new(node, NoOwner.None, term) { Part = new OwnershipPart.Holder() };

    /// <summary>The state of a VIP that another node owns, or nobody.</summary>
    public static OwnershipState Watching(string? owner, ulong term) => new(owner, NoOwner.None, term);

    public static TimeSpan Ms(double milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    /// <summary>A peer that speaks to the node of <see cref="Frames.Own"/>, whose run is 99.</summary>
    public sealed class Talker(string node, ulong boot, string link = "eth0")
    {
        public HeartbeatHeader Header { get; set; } =
            Frames.Header with { Boot = boot, Sequence = 0, HeardBoot = 99, HeardSequence = 1, Flags = SpeakerState.Ready, Losses = 0 };

        public byte[] Say(Func<HeartbeatHeader, HeartbeatHeader>? change = null)
        {
            Header = Header with { Sequence = Header.Sequence + 1 };
            return Frames.Encode(change is null ? Header : change(Header), new HeartbeatIdentity(node, link, [IpPrefix.Parse("192.168.96.12/20")], []));
        }

        /// <summary>A hello of one that serves, with what it says of others.</summary>
        public byte[] Hello(ReadOnlySpan<byte> words)
        {
            Header = Header with { Sequence = Header.Sequence + 1 };
            var frame = new byte[HeartbeatLayout.MaxFrame];
            var header = Header with { Kind = HeartbeatKind.Hello, Flags = SpeakerState.Ready | SpeakerState.Serving };
            return frame[..HeartbeatEncoder.Encode(header, new HeartbeatIdentity(node, link, [IpPrefix.Parse("192.168.96.12/20")], []), Frames.Key, frame, words)];
        }

        /// <summary>A claims message with claims of one subject.</summary>
        public byte[] Claim(params Claim[] claims) => Claims(claims, flags: 0);

        /// <summary>One of several claims messages.</summary>
        public byte[] Claims(Claim[] claims, byte flags)
        {
            Header = Header with { Sequence = Header.Sequence + 1 };
            var bare = new HeartbeatIdentity(node, link, [], []);
            var body = new byte[ClaimCodec.Room(bare)];
            var length = ClaimCodec.Write(claims, claims[0].Subject, flags, body, out _);
            var frame = new byte[HeartbeatLayout.MaxFrame];
            return frame[..HeartbeatEncoder.Encode(Header with { Kind = HeartbeatKind.Claims }, bare, Frames.Key, frame, body.AsSpan(0, length))];
        }
    }

    /// <summary>The addresses that n1 claims in some frames of its own.</summary>
    public static HashSet<IpAddress> VipsOf(IEnumerable<byte[]> frames)
    {
        HashSet<IpAddress> vips = [];
        foreach (var bytes in frames)
        {
            var destination = MacAddress.Read(bytes);
            Assert.Equal(HeartbeatRefusal.None, HeartbeatDecoder.Decode(bytes, destination, Frames.Keys, out var frame));
            if (frame.Kind == HeartbeatKind.Claims)
            {
                foreach (var claim in frame.Claims.Read("n1"))
                {
                    vips.Add(claim.Vip);
                }
            }
        }

        return vips;
    }

    public static HearResult Hear(this SegmentMembership membership, byte[] bytes, TimeSpan now, ulong lastSent = 1)
    {
        Assert.Equal(HeartbeatRefusal.None, HeartbeatDecoder.Decode(bytes, Frames.Own, Frames.Keys, out var frame));
        return membership.Hear(frame, now, lastSent);
    }
}
