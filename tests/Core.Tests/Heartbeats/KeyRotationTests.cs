using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Tests.Heartbeats;

public sealed class KeyRotationTests
{
    private static readonly HeartbeatKey Third = Frames.KeyOf("a third key of sufficient length.");

    [Fact]
    public void KeysAt_FirstKey_SignsAtOnce() =>
        Assert.Equal(Frames.Key, KeyRotation.Start(new(Frames.Key)).KeysAt(TimeSpan.Zero).Signing);

    [Fact]
    public void KeysAt_KeyReplaced_SignsWithTheOldOneForTheGraceAndAcceptsBoth()
    {
        var rotation = KeyRotation.Start(new(Frames.Key)).Replace(new(Frames.OtherKey), At(100));

        AssertKeys(rotation, 100, Frames.Key, Frames.Key, Frames.OtherKey);
        AssertKeys(rotation, 129, Frames.Key, Frames.Key, Frames.OtherKey);
        AssertKeys(rotation, 130, Frames.OtherKey, Frames.Key, Frames.OtherKey);
        AssertKeys(rotation, 159, Frames.OtherKey, Frames.Key, Frames.OtherKey);
        AssertKeys(rotation, 160, Frames.OtherKey, Frames.OtherKey);
    }

    // Two speakers that see the same change up to a grace apart accept each other throughout.
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(29)]
    public void KeysAt_TwoSpeakersSeeTheChangeApart_AlwaysAcceptEachOther(int apart)
    {
        var early = KeyRotation.Start(new(Frames.Key)).Replace(new(Frames.OtherKey), At(0));
        var before = KeyRotation.Start(new(Frames.Key));
        var late = before.Replace(new(Frames.OtherKey), At(apart));
        for (var second = 0; second < 200; second++)
        {
            var a = early.KeysAt(At(second));
            var b = (second < apart ? before : late).KeysAt(At(second));
            Assert.Contains(a.Signing, b.Accepted);
            Assert.Contains(b.Signing, a.Accepted);
        }
    }

    [Fact]
    public void KeysAt_NextAndPreviousKey_AreAcceptedAndDoNotSign()
    {
        var rotation = KeyRotation.Start(new(Frames.Key, Next: Frames.OtherKey, Previous: Third));
        AssertKeys(rotation, 0, Frames.Key, Frames.Key, Frames.OtherKey, Third);
    }

    [Fact]
    public void NextChange_AfterAReplacement_IsEachEndOfGrace()
    {
        var rotation = KeyRotation.Start(new(Frames.Key)).Replace(new(Frames.OtherKey), At(100));
        Assert.Equal(At(130), rotation.NextChange(At(100)));
        Assert.Equal(At(160), rotation.NextChange(At(130)));
        Assert.Null(rotation.NextChange(At(160)));
    }

    [Fact]
    public void From_TextWithALineEnd_IsTheSameKeyAsWithout() =>
        Assert.Equal(Frames.KeyOf("0123456789abcdef"), Frames.KeyOf("0123456789abcdef\n"));

    [Fact]
    public void From_BinaryEndingInALineFeed_KeepsIt()
    {
        byte[] key = [.. Enumerable.Repeat((byte)0xF0, 20), (byte)'\n'];
        Assert.NotEqual(HeartbeatKey.From(key.AsSpan(0, 20)), HeartbeatKey.From(key));
    }

    [Fact]
    public void From_FifteenBytes_SaysHowManyAreNeeded() =>
        Assert.Contains("16", Assert.Throws<FormatException>(() => HeartbeatKey.From(new byte[15])).Message, StringComparison.Ordinal);

    private static TimeSpan At(int seconds) => TimeSpan.FromSeconds(seconds);

    private static void AssertKeys(KeyRotation rotation, int second, HeartbeatKey signing, params HeartbeatKey[] accepted)
    {
        var keys = rotation.KeysAt(At(second));
        Assert.Equal(signing, keys.Signing);
        Assert.Equivalent(accepted.Select(k => k.ClusterId), keys.Accepted.Select(k => k.ClusterId), strict: true);
    }
}
