using System.Text;
using CsCheck;

namespace LoadBalancer.Speaker.Tests.Fuzz;

/// <summary>
/// Whatever arrives on a link, the whole way in takes it: it throws nothing, counts the frame once, and answers once at most. A frame
/// that breaks this is written to <c>Crashers</c>, to be put into the repository with the fix. <c>make fuzz</c> runs for longer.
/// </summary>
public sealed class FrameFuzzTests : IDisposable
{
    private static readonly string Crashers = Path.Combine(Root(), "tests/Speaker.Tests/Fuzz/Crashers");
    internal static readonly byte[] Telling = [0, 1, 2, 3, 4, 6, 8, 0x10, 0x3A, 0x54, 0x60, 0x81, 0x86, 0x87, 0x88, 0xB5, 0xDD, 0x7F, 0x80, 0xFF];

    private readonly ReceivingPath path = new();

    public void Dispose() => path.Dispose();

    [Fact]
    public void SeedFrames_AreWhatTheySeem()
    {
        foreach (var seed in SeedFrames.All)
        {
            path.Take(seed.Seal([.. seed.Bytes]));
            Assert.Equal(seed.IsAnswered, path.Reply is not null);
        }

        Assert.True(path.Heard >= 4, $"{path.Heard} of the peers' frames were believed: mutants of the others go no further");
        Assert.True(path.Observed > 0, "nothing was said about a pool address");
    }

    [Fact]
    public void SeedFrames_CutAtEveryLength_AreTaken()
    {
        foreach (var seed in SeedFrames.All)
        {
            for (var length = 0; length <= seed.Bytes.Length; length++)
            {
                Check(seed.Bytes[..length]);
            }
        }
    }

    [Fact]
    public void MutatedFrames_AreTaken()
    {
        var octet = Gen.OneOf(Gen.Byte, Gen.Int[0, Telling.Length - 1].Select(i => Telling[i]));
        var edit = Gen.Select(Gen.Int[0, 4], Gen.Int[0, 400], octet);
        Gen.Select(Gen.Int[0, SeedFrames.All.Count - 1], edit.Array[0, 6], Gen.Bool)
            .Sample((seed, edits, seal) => Check(Mutate(SeedFrames.All[seed], edits, seal)), iter: 30_000, threads: 1);
    }

    [Fact]
    public void AnyOctets_OfAnEtherTypeThatIsRead_AreTaken() =>
        Gen.Select(Gen.Byte.Array[0, 300], Gen.Int[0, 3]).Sample(
            (octets, kind) =>
            {
                if (octets.Length >= 14)
                {
                    (octets[12], octets[13]) = kind switch { 0 => ((byte)0x08, (byte)0x06), 1 => ((byte)0x86, (byte)0xDD), 2 => ((byte)0x88, (byte)0xB5), _ => ((byte)0x81, (byte)0x00) };
                }

                Check(octets);
            },
            iter: 20_000, threads: 1);

    [Fact]
    public void Crashers_OfFormerRuns_AreTaken()
    {
        foreach (var file in Directory.EnumerateFiles(Crashers, "*.hex"))
        {
            path.Take(Convert.FromHexString(string.Concat(File.ReadAllText(file).Where(Uri.IsHexDigit))));
        }
    }

    internal static byte[] Mutate(SeedFrame seed, (int Kind, int Place, byte Value)[] edits, bool seal)
    {
        var frame = new List<byte>(seed.Bytes);
        foreach (var (kind, place, value) in edits)
        {
            var at = frame.Count == 0 ? 0 : place % frame.Count;
            switch (kind)
            {
                case 0 when frame.Count > 0:
                    frame.RemoveRange(at, Math.Min(value % 16, frame.Count - at));
                    break;
                case 1:
                    frame.InsertRange(at, Enumerable.Repeat(value, value % 24));
                    break;
                case 2 when frame.Count > 0:
                    frame[at] ^= (byte)(1 << (value % 8));
                    break;
                case 3 when value > 0xF0:
                    frame.RemoveRange(at, frame.Count - at);
                    break;
                case 4 when frame.Count > 0:
                    frame[at] = value;
                    break;
            }
        }

        return seal ? seed.Seal([.. frame]) : [.. frame];
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "LoadBalancer.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("run from within the project");
        }

        return folder;
    }

    private void Check(byte[] frame)
    {
        try
        {
            path.Take(frame);
        }
        catch (Exception e)
        {
            // The shortest of a kind is enough.
            var file = Path.Combine(Crashers, $"{e.GetType().Name}.hex");
            var text = Convert.ToHexStringLower(frame) + "\n";
            if (!File.Exists(file) || new FileInfo(file).Length > text.Length)
            {
                File.WriteAllText(file, text, Encoding.ASCII);
            }

            throw new InvalidOperationException($"A frame of {frame.Length} octets, kept in {file}, is not taken: {e}", e);
        }
    }
}
