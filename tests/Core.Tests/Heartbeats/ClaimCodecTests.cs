using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Tests.Heartbeats;

public sealed class ClaimCodecTests
{
    private static readonly HeartbeatIdentity Sender = new("n2", "eth0", [], []);

    private static readonly Claim[] Claims =
    [
        new(IpAddress.Parse("192.168.96.100"), "n2", 3, ClaimKind.Owner),
        new(IpAddress.Parse("fd00:96::1"), "n2", ulong.MaxValue, ClaimKind.Yielding),
        new(IpAddress.Parse("192.168.96.101"), "n2", 1, ClaimKind.Released),
    ];

    [Fact]
    public void Write_SeveralClaims_AreReadAsTheyWere()
    {
        var read = new List<Claim>();
        Assert.Equal(HeartbeatRefusal.None, HeartbeatDecoder.Decode(Encode(Claims, ClaimCodec.First), Frames.Own, Frames.Keys, out var frame));
        foreach (var claim in frame.Claims.Read("n2"))
        {
            read.Add(claim);
        }

        Assert.Equal(Claims, read);
        Assert.True(frame.Claims.IsFirst);
        Assert.False(frame.Claims.IsLast);
        Assert.True(frame.Claims.Subject.SequenceEqual("n2"u8));
    }

    [Fact]
    public void Write_MoreThanFit_FillsTheFrameAndLeavesTheRest()
    {
        var many = Enumerable.Range(0, 1000).Select(i => new Claim(IpAddress.FromUInt32(0xC0A86000u + (uint)i), "n2", 3, ClaimKind.Owner)).ToArray();
        var room = new byte[ClaimCodec.Room(Sender)];
        var length = ClaimCodec.Write(many, "n2", 0, room, out var written);
        Assert.InRange(written, 95, 105);
        Assert.InRange(length, room.Length - 14, room.Length);
        Assert.Equal(HeartbeatLayout.MaxFrame, EncodeBody(room).Length);
    }

    [Fact]
    public void Write_OfAnotherSubject_WaitsForTheNextFrame()
    {
        Claim[] mixed = [Claims[0], new(IpAddress.Parse("192.168.96.102"), "n3", 3, ClaimKind.Deputy)];
        ClaimCodec.Write(mixed, "n2", 0, new byte[ClaimCodec.Room(Sender)], out var written);
        Assert.Equal(1, written);
    }

    [Fact]
    public void Decode_CutAtEveryLength_IsRefused()
    {
        var whole = Encode(Claims);
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.NotEqual(HeartbeatRefusal.None, Frames.Decode(whole.AsSpan(0, length)));
        }
    }

    [Fact]
    public void Decode_EveryByteChanged_IsRefused()
    {
        var whole = Encode(Claims);
        for (var at = 0; at < whole.Length; at++)
        {
            var changed = (byte[])whole.Clone();
            changed[at] ^= 0x10;
            Assert.NotEqual(HeartbeatRefusal.None, Frames.Decode(changed));
        }
    }

    [Theory]
    [InlineData(0, 4)] // unknown flags
    [InlineData(1, 0)] // no subject
    [InlineData(1, 200)] // a subject longer than the message
    [InlineData(2, 1)] // 259 claims
    [InlineData(4, 0x1F)] // a control character in the subject
    [InlineData(6, 4)] // an unknown kind
    [InlineData(7, 5)] // an unknown family
    public void Decode_SignedButContradictory_IsMalformed(int offset, byte value)
    {
        var frame = Encode(Claims);
        frame[BodyAt(frame) + offset] = value;
        Assert.Equal(HeartbeatRefusal.Malformed, Frames.Decode(Frames.Resign(frame)));
    }

    // Signed rubbish is a peer's fault, yet it must not end this process.
    [Fact]
    public void Decode_MutatedAndSignedAnew_IsRefusedOrReadToItsEnd()
    {
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var frame = Encode(Claims, (byte)random.Next(4));
            for (var changes = random.Next(1, 6); changes > 0; changes--)
            {
                frame[random.Next(14 + 24, frame.Length - 32)] = (byte)random.Next(256);
            }

            if (HeartbeatDecoder.Decode(Frames.Resign(frame), Frames.Own, Frames.Keys, out var read) != HeartbeatRefusal.None)
            {
                continue;
            }

            var count = 0;
            foreach (var claim in read.Claims.Read("x"))
            {
                Assert.NotEqual(0ul, claim.Term);
                count++;
            }

            Assert.Equal(read.Claims.Count, count);
        }
    }

    private static int BodyAt(byte[] frame) => 14 + HeartbeatLayout.FixedSize + frame[14 + 64] + frame[14 + 65];

    private static byte[] Encode(Claim[] claims, byte flags = 0)
    {
        var room = new byte[ClaimCodec.Room(Sender)];
        var length = ClaimCodec.Write(claims, claims[0].Subject, flags, room, out var written);
        Assert.Equal(claims.Length, written);
        return EncodeBody(room.AsSpan(0, length));
    }

    private static byte[] EncodeBody(ReadOnlySpan<byte> body)
    {
        Span<byte> buffer = stackalloc byte[HeartbeatLayout.MaxFrame];
        var header = Frames.Header with { Kind = HeartbeatKind.Claims };
        return buffer[..HeartbeatEncoder.Encode(header, Sender, Frames.Key, buffer, body)].ToArray();
    }
}
