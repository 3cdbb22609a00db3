using CsCheck;
using LoadBalancer.Core.Packets;
using static LoadBalancer.Core.Tests.Packets.NdpFrames;

namespace LoadBalancer.Core.Tests.Packets;

public sealed class NdpFuzzTests
{
    // Mutations of good solicitations, of any length, most with their checksum put right, against the rules of RFC 4861 §7.1.1 and
    // §7.2.3 written down once more on plain octets.
    [Fact]
    public void AnyFrame_IsAnsweredExactlyIfTheRulesSaySo_AndNeverThrows()
    {
        byte[] telling = [0, 1, 2, 3, 8, 0x10, 0x18, 0x20, 0x33, 0x3A, 0x54, 0x60, 0x87, 0x88, 0xFF];
        byte[][] seeds = [Solicitation(), Probe(), Detection(), Advertisement(), WithOptions(Solicitation(), "0e01aabbccddeeff0101525400000099")];
        var mutation = Gen.Select(Gen.Int[0, 101], Gen.OneOf(Gen.Byte, Gen.Int[0, telling.Length - 1].Select(i => telling[i])));
        Gen.Select(Gen.Int[0, seeds.Length - 1], mutation.Array[0, 4], Gen.Frequency((4, Gen.Const(int.MaxValue)), (1, Gen.Int[0, 102])), Gen.Frequency((5, Gen.Const(true)), (1, Gen.Const(false)))).Sample(
            (seed, mutations, length, seal) =>
            {
                byte[] frame = [.. seeds[seed]];
                foreach (var (offset, value) in mutations)
                {
                    frame[offset % frame.Length] = value;
                }

                frame = frame[..Math.Min(length, frame.Length)];
                frame = seal ? Seal(frame) : frame;
                var reply = new byte[NdpPacket.FrameLength];
                var outcome = NdpResponder.Respond(frame, TableOfVip, Link, reply);
                return outcome.Answered == ShouldAnswer(frame)
                    && outcome.Answered == (reply[12] != 0)
                    && (!outcome.Answered || (Sum(reply) == 0xFFFF && (reply[0] == 0x33) == (At(frame, Source, 16) == new string('0', 32))));
            },
            iter: 300_000);
    }

    [Fact]
    public void AnyOctets_NeverThrow() =>
        Gen.Byte.Array[0, 160].Sample(
            octets =>
            {
                if (octets.Length > 14)
                {
                    (octets[12], octets[13], octets[14]) = (0x86, 0xDD, 0x60);
                }

                return NdpResponder.Respond(octets, TableOfVip, Link, new byte[NdpPacket.FrameLength]).Reason != DropReason.NotSent;
            },
            iter: 50_000);

    private static string At(byte[] frame, int offset, int count) => Convert.ToHexStringLower(frame, offset, count);

    private static bool ShouldAnswer(byte[] f)
    {
        if (f.Length < 78 || At(f, 12, 2) != "86dd" || f[14] >> 4 != 6)
        {
            return false;
        }

        var length = (f[PayloadLength] << 8) | f[PayloadLength + 1];
        if (length < 24 || 54 + length > f.Length || f[NextHeader] != 58 || f[HopLimit] != 255 || Sum(f) != 0xFFFF)
        {
            return false;
        }

        var options = new List<byte[]>();
        for (var at = Option; at < 54 + length;)
        {
            if (at + 1 >= 54 + length || f[at + 1] == 0 || at + (f[at + 1] * 8) > 54 + length)
            {
                return false;
            }

            options.Add(f[at..(at + (f[at + 1] * 8))]);
            at += f[at + 1] * 8;
        }

        var own = options.Where(option => option[0] == 1).ToList();
        string source = At(f, Source, 16), destination = At(f, Destination, 16), asker = own.Count > 0 ? At(own[0], 2, 6) : At(f, 6, 6);
        const string Vip = "fd000096000000000000000000010100", Group = "ff0200000000000000000001ff010100", All = "ff020000000000000000000000000001";
        var unspecified = source == new string('0', 32);
        return f[MessageType] == 135 && f[Code] == 0
            && At(f, Target, 16) == Vip
            && own.TrueForAll(option => option.Length == 8)
            && (unspecified ? destination == Group && own.Count == 0 : f[Source] != 0xFF && source != "1".PadLeft(32, '0') && source != Vip)
            && destination is Vip or Group or All
            && (At(f, 0, 6) == "525400000001" || (f[Destination] == 0xFF && At(f, 0, 6) == "3333" + destination[^8..]))
            && At(f, 6, 6) is not ("000000000000" or "525400000001") && (f[6] & 1) == 0
            && asker is not ("000000000000" or "525400000001") && (Convert.FromHexString(asker)[0] & 1) == 0;
    }
}
