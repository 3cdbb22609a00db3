using CsCheck;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Tests.Heartbeats;

/// <summary>What speakers say of each other, as octets.</summary>
public sealed class PeerWordsTests
{
    private static readonly PeerWord Word = new(
        0x0102030405060708, WordKind.Away, Boot: 9, Sequence: 10, SpeakerState.Ready | SpeakerState.Serving, ClaimDigest: 11,
        TimeSpan.FromMilliseconds(250), TimeSpan.FromMilliseconds(3));

    private static readonly Gen<PeerWord> Words = Gen.Select(Gen.ULong, Gen.Int[1, 4], Gen.ULong, Gen.ULong, Gen.Int[0, 63], Gen.ULong, Gen.Int[-1, 59_999], Gen.Int[-1, 59_999])
        .Select((id, kind, boot, sequence, flags, digest, age, kernel) => new PeerWord(
            id, (WordKind)kind, boot, sequence, (SpeakerState)flags, digest, age < 0 ? null : TimeSpan.FromMilliseconds(age), kernel < 0 ? null : TimeSpan.FromMilliseconds(kernel)));

    [Fact]
    public void AnyWords_InAHello_AreReadAsTheyWereWritten() => Words.Array[0, 24].Sample(words =>
    {
        Assert.Equal(HeartbeatRefusal.None, HeartbeatDecoder.Decode(Encode(words), Frames.Own, Frames.Keys, out var frame));
        Assert.Equal(words.Length, frame.Words.Count);
        for (var i = 0; i < words.Length; i++)
        {
            Assert.Equal(words[i], frame.Words[i]);
        }
    });

    // A peer's addresses are looked at anew only when they changed, and its words change with each frame.
    [Fact]
    public void Words_AreNoPartOfTheIdentity()
    {
        HeartbeatDecoder.Decode(Encode([Word]), Frames.Own, Frames.Keys, out var frame);
        var identity = frame.IdentityBytes.ToArray();
        HeartbeatDecoder.Decode(Encode([]), Frames.Own, Frames.Keys, out var bare);
        Assert.Equal(bare.IdentityBytes, identity);
    }

    [Fact]
    public void NumberBeyondTheMessagesEnd_NoWordIsRead()
    {
        var bytes = Encode([Word, Word]);
        bytes[^(32 + PeerWords.SizeOf(2))] = 3;
        HeartbeatDecoder.Decode(Frames.Resign(bytes), Frames.Own, Frames.Keys, out var frame);
        Assert.Equal(0, frame.Words.Count);
    }

    [Fact]
    public void OctetsBehindTheWords_AreLeftAlone()
    {
        var body = new byte[PeerWords.SizeOf(1) + 5];
        PeerWords.Write([Word], body);
        HeartbeatDecoder.Decode(Send(body), Frames.Own, Frames.Keys, out var frame);
        Assert.Equal(Word, frame.Words[0]);
        Assert.Equal(1, frame.Words.Count);
    }

    [Fact]
    public void HeardAMinuteAgo_IsNotHeard()
    {
        HeartbeatDecoder.Decode(Encode([Word with { Age = TimeSpan.FromMinutes(1) }]), Frames.Own, Frames.Keys, out var frame);
        Assert.Null(frame.Words[0].Age);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(38, 0)]
    [InlineData(39, 1)]
    [InlineData(1000, 26)]
    public void Fitting_OctetsThatAreLeft_SoManyWords(int octets, int words) => Assert.Equal(words, PeerWords.Fitting(octets));

    private static byte[] Encode(PeerWord[] words)
    {
        var body = new byte[PeerWords.SizeOf(words.Length)];
        PeerWords.Write(words, body);
        return Send(body);
    }

    private static byte[] Send(byte[] body)
    {
        var buffer = new byte[HeartbeatLayout.MaxFrame];
        return buffer[..HeartbeatEncoder.Encode(Frames.Header with { Kind = HeartbeatKind.Hello }, Frames.Identity, Frames.Key, buffer, body)];
    }
}
