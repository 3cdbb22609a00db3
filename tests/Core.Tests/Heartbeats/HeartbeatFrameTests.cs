using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CsCheck;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Tests.Heartbeats;

public sealed class HeartbeatFrameTests
{
    [Fact]
    public void Decode_AnEncodedFrame_ReturnsEveryField()
    {
        var refusal = HeartbeatDecoder.Decode(Frames.Encode(), Frames.Own, Frames.Keys, out var frame);

        Assert.Equal(HeartbeatRefusal.None, refusal);
        Assert.Equal(Frames.Peer, frame.Source);
        Assert.Equal(HeartbeatKind.Heartbeat, frame.Kind);
        Assert.Equal(0x1122334455667788ul, frame.Boot);
        Assert.Equal(7ul, frame.Sequence);
        Assert.Equal(0xAABBCCDDul, frame.HeardBoot);
        Assert.Equal(5ul, frame.HeardSequence);
        Assert.Equal(0xFEDCul, frame.ViewDigest);
        Assert.Equal(3, frame.ViewCount);
        Assert.Equal(SpeakerState.Ready | SpeakerState.Holding, frame.Flags);
        Assert.Equal(TimeSpan.FromMilliseconds(350), frame.GoodFor);
        Assert.Equal(2, frame.Losses);
        var identity = frame.ReadIdentity();
        Assert.Equal("n2", identity.Node);
        Assert.Equal("eth0", identity.Link);
        Assert.Equal(Frames.Identity.Prefixes, identity.Prefixes);
        Assert.Equal(Frames.Identity.OtherPrefixes, identity.OtherPrefixes);
    }

    // Three bytes beside the losses, which an older version writes as zero and does not read.
    [Fact]
    public void Decode_Suspects_AreReadBackBesideTheLosses()
    {
        var bytes = Frames.Encode(Frames.Header with { Suspects = 0xFF_A5C3, Flags = SpeakerState.Ready | SpeakerState.HearsNothing });
        Assert.Equal(HeartbeatRefusal.None, HeartbeatDecoder.Decode(bytes, Frames.Own, Frames.Keys, out var frame));
        Assert.Equal((0xFF_A5C3u, 2, SpeakerState.Ready | SpeakerState.HearsNothing), (frame.Suspects, frame.Losses, frame.Flags));
        Assert.Equal([2, 0xFF, 0xA5, 0xC3], bytes.AsSpan(14 + 68, 4).ToArray());
    }

    // An independent reading of docs/protocol.md: offsets written out, HMAC by the class instead of the one-shot.
    [Fact]
    public void Encode_Layout_IsTheDocumentedOne()
    {
        var frame = Frames.Encode();
        using var hmac = new HMACSHA256(Encoding.ASCII.GetBytes("the key of this cluster, 32 bytes"));

        Assert.Equal("52540000000152540000000288b5", Convert.ToHexStringLower(frame.AsSpan(0, 14)));
        Assert.Equal("LBHB", Encoding.ASCII.GetString(frame, 14, 4));
        Assert.Equal([1, 2], frame.AsSpan(18, 2).ToArray());
        Assert.Equal(frame.Length - 14, BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(20)));
        Assert.Equal(hmac.ComputeHash("loadbalancer heartbeat cluster id"u8.ToArray())[..8], frame.AsSpan(22, 8).ToArray());
        Assert.Equal("n2eth0", Encoding.ASCII.GetString(frame, 14 + 80, 6));
        Assert.Equal([4, 20, 192, 168, 96, 12], frame.AsSpan(14 + 86, 6).ToArray());
        Assert.Equal(hmac.ComputeHash(frame[..^32]), frame[^32..]);
    }

    [Fact]
    public void Decode_CutAtEveryLength_IsTruncated()
    {
        var frame = Frames.Encode();
        for (var length = 0; length < frame.Length; length++)
        {
            Assert.Equal(HeartbeatRefusal.Truncated, Frames.Decode(frame.AsSpan(0, length)));
        }
    }

    [Fact]
    public void Decode_EveryBitFlipped_IsRefused()
    {
        var frame = Frames.Encode();
        for (var bit = 0; bit < frame.Length * 8; bit++)
        {
            var damaged = frame.ToArray();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(HeartbeatRefusal.None, Frames.Decode(damaged));
        }
    }

    [Theory]
    [InlineData(0, 0x02, HeartbeatRefusal.NotForUs)]
    [InlineData(12, 0x08, HeartbeatRefusal.NotHeartbeat)]
    [InlineData(14, 0x00, HeartbeatRefusal.BadMagic)]
    [InlineData(18, 0x02, HeartbeatRefusal.UnknownVersion)]
    [InlineData(19, 0x05, HeartbeatRefusal.UnknownKind)]
    [InlineData(20, 0xFF, HeartbeatRefusal.BadLength)]
    [InlineData(20, 0x05, HeartbeatRefusal.Truncated)]
    [InlineData(22, 0x00, HeartbeatRefusal.ForeignCluster)]
    [InlineData(30, 0x00, HeartbeatRefusal.BadSignature)]
    public void Decode_OneFieldWrong_NamesIt(int offset, byte value, HeartbeatRefusal expected)
    {
        var frame = Frames.Encode();
        frame[offset] = value;
        Assert.Equal(expected, Frames.Decode(frame));
    }

    [Theory]
    [InlineData(64, 0)] // no node name
    [InlineData(64, 254)] // longer than a name may be
    [InlineData(65, 0)] // no link name
    [InlineData(65, 16)]
    [InlineData(66, 25)] // more prefixes than a message may have
    [InlineData(67, 3)] // more than it has
    [InlineData(80, 0x1F)] // a control character in the name
    [InlineData(86, 5)] // no such family
    [InlineData(87, 33)] // an IPv4 prefix of 33 bits
    public void Decode_SignedButContradictory_IsMalformed(int offset, byte value)
    {
        var frame = Frames.Encode();
        frame[14 + offset] = value;
        Assert.Equal(HeartbeatRefusal.Malformed, Frames.Decode(Frames.Resign(frame)));
    }

    [Fact]
    public void Decode_ZeroBootSequenceOrGoodFor_IsMalformed()
    {
        Assert.Equal(HeartbeatRefusal.Malformed, Frames.Decode(Frames.Encode(Frames.Header with { Boot = 0 })));
        Assert.Equal(HeartbeatRefusal.Malformed, Frames.Decode(Frames.Encode(Frames.Header with { Sequence = 0 })));
        Assert.Equal(HeartbeatRefusal.Malformed, Frames.Decode(Frames.Encode(Frames.Header with { GoodFor = TimeSpan.Zero })));
        Assert.Equal(HeartbeatRefusal.Malformed, Frames.Decode(Frames.Encode(Frames.Header with { GoodFor = TimeSpan.FromHours(1) })));
    }

    [Fact]
    public void Decode_SourceIsAGroupAddress_IsMalformed() =>
        Assert.Equal(HeartbeatRefusal.Malformed, Frames.Decode(Frames.Encode(Frames.Header with { Source = MacAddress.Broadcast })));

    [Fact]
    public void Decode_PaddingBehindTheMessage_IsIgnored() =>
        Assert.Equal(HeartbeatRefusal.None, Frames.Decode([.. Frames.Encode(), 0, 0, 0, 0]));

    [Fact]
    public void Decode_WithTwoKeys_AcceptsBoth()
    {
        var rotating = new HeartbeatKeys(Frames.Key, [Frames.Key, Frames.OtherKey]);
        Assert.Equal(HeartbeatRefusal.None, Frames.Decode(Frames.Encode(), rotating));
        Assert.Equal(HeartbeatRefusal.None, Frames.Decode(Frames.Encode(key: Frames.OtherKey), rotating));
        Assert.Equal(HeartbeatRefusal.ForeignCluster, Frames.Decode(Frames.Encode(key: Frames.OtherKey)));
    }

    [Fact]
    public void Encode_LongestIdentity_FitsAFrame()
    {
        var many = Enumerable.Range(0, 40).Select(i => new IpPrefix(IpAddress.From(IpFamily.IPv6, (UInt128)i), 64)).ToList();
        var frame = Frames.Encode(identity: new HeartbeatIdentity(new string('n', 253), new string('e', 15), many, many));
        Assert.True(frame.Length <= HeartbeatLayout.MaxFrame);
        Assert.Equal(HeartbeatRefusal.None, Frames.Decode(frame));
    }

    [Fact]
    public void Decode_ArbitraryBytes_NeverThrows() =>
        Gen.Byte.Array[0, 300].Sample(bytes => Assert.NotEqual(HeartbeatRefusal.None, Frames.Decode(bytes)), iter: 20_000);

    [Fact]
    public void Decode_MutatedAndSignedAnew_NeverThrowsAndReadsWhatItAccepts()
    {
        Gen.Select(Gen.Int[14, Frames.Encode().Length - 33], Gen.Byte, Gen.Int[14, Frames.Encode().Length - 33], Gen.Byte)
            .Sample((at, value, at2, value2) =>
            {
                var bytes = Frames.Encode();
                (bytes[at], bytes[at2]) = (value, value2);
                if (HeartbeatDecoder.Decode(Frames.Resign(bytes), Frames.Own, Frames.Keys, out var frame) == HeartbeatRefusal.None)
                {
                    Assert.NotEmpty(frame.ReadIdentity().Node);
                }
            }, iter: 20_000);
    }

    [Fact]
    public void EncodeAndDecode_Repeated_AllocateNothing()
    {
        var buffer = new byte[HeartbeatLayout.MaxFrame];
        RoundTrip();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            RoundTrip();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void RoundTrip()
        {
            var length = HeartbeatEncoder.Encode(Frames.Header, Frames.Identity, Frames.Key, buffer);
            Assert.True(HeartbeatDecoder.Decode(buffer.AsSpan(0, length), Frames.Own, Frames.Keys, out _) == HeartbeatRefusal.None);
        }
    }
}
