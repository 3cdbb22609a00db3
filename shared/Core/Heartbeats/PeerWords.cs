using System.Buffers.Binary;

namespace LoadBalancer.Core.Heartbeats;

/// <summary>What a speaker says of one of its peers.</summary>
public enum WordKind : byte
{
    /// <summary>It serves, as far as the sender knows.</summary>
    Heard = 1,

    /// <summary>Its speaker does not serve, or is silent while its kernel answers.</summary>
    Away = 2,

    /// <summary>Neither its speaker nor its kernel is heard.</summary>
    Silent = 3,

    /// <summary>It goes on sending, hears nothing itself, and was found deaf.</summary>
    Deaf = 4,
}

/// <summary>A word about a peer.</summary>
/// <param name="Id">Which interface of which node: the first 8 bytes of SHA256(node name, 0, link name).</param>
/// <param name="Kind">What is said.</param>
/// <param name="Boot">The run it is said of.</param>
/// <param name="Sequence">The last sequence number that the sender knows of that run.</param>
/// <param name="Flags">The peer's state, as it was last told.</param>
/// <param name="ClaimDigest">The sum of the peer's claims, as it was last told.</param>
/// <param name="Age">How long ago the sender itself heard the speaker, up to a minute. Null if that is longer, or it only knows from others.</param>
/// <param name="KernelAge">How long ago the kernel said something to the sender's questions. Null likewise.</param>
public readonly record struct PeerWord(
    ulong Id, WordKind Kind, ulong Boot, ulong Sequence, SpeakerState Flags, ulong ClaimDigest, TimeSpan? Age, TimeSpan? KernelAge = null);

/// <summary>
/// The words behind the prefixes of a hello or a heartbeat: their number, then each. A view of the receive buffer, valid as long as that
/// is. What does not fit the format is left out, as are bytes behind it: a later version may append more.
/// </summary>
public readonly ref struct PeerWords
{
    /// <summary>The size of one word, in octets.</summary>
    public const int WordSize = 38;

    private const ushort Unheard = ushort.MaxValue;

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly ReadOnlySpan<byte> body;

    internal PeerWords(ReadOnlySpan<byte> trailer) =>
        body = trailer.IsEmpty || trailer.Length < 1 + (trailer[0] * WordSize) ? default : trailer.Slice(1, trailer[0] * WordSize);

    /// <summary>Their number.</summary>
    public int Count => body.Length / WordSize;

    /// <summary>The size of so many words, in octets; 0 for none.</summary>
    public static int SizeOf(int words) => words == 0 ? 0 : 1 + (words * WordSize);

    /// <summary>How many fit into so many octets.</summary>
    public static int Fitting(int octets) => Math.Clamp((octets - 1) / WordSize, 0, byte.MaxValue);

    /// <summary>Writes words.</summary>
    /// <param name="words">At most 255.</param>
    /// <param name="to">At least <see cref="SizeOf"/> long.</param>
    /// <returns>The number of octets written.</returns>
    public static int Write(ReadOnlySpan<PeerWord> words, Span<byte> to)
    {
        if (words.IsEmpty)
        {
            return 0;
        }

        to[0] = (byte)words.Length;
        for (var i = 0; i < words.Length; i++)
        {
            ref readonly var word = ref words[i];
            var at = to.Slice(1 + (i * WordSize), WordSize);
            BinaryPrimitives.WriteUInt64BigEndian(at, word.Id);
            BinaryPrimitives.WriteUInt64BigEndian(at[8..], word.Boot);
            BinaryPrimitives.WriteUInt64BigEndian(at[16..], word.Sequence);
            at[24] = (byte)word.Kind;
            at[25] = (byte)word.Flags;
            WriteAge(word.Age, at[26..]);
            WriteAge(word.KernelAge, at[28..]);
            BinaryPrimitives.WriteUInt64BigEndian(at[30..], word.ClaimDigest);
        }

        return SizeOf(words.Length);
    }

    /// <summary>The word of that index.</summary>
    public PeerWord this[int index]
    {
        get
        {
            var at = body.Slice(index * WordSize, WordSize);
            return new PeerWord(
                BinaryPrimitives.ReadUInt64BigEndian(at), (WordKind)at[24], BinaryPrimitives.ReadUInt64BigEndian(at[8..]),
                BinaryPrimitives.ReadUInt64BigEndian(at[16..]), (SpeakerState)at[25], BinaryPrimitives.ReadUInt64BigEndian(at[30..]),
                ReadAge(at[26..]), ReadAge(at[28..]));
        }
    }

    private static void WriteAge(TimeSpan? age, Span<byte> to) =>
        BinaryPrimitives.WriteUInt16BigEndian(to, age < Longest ? (ushort)age.Value.TotalMilliseconds : Unheard);

    private static TimeSpan? ReadAge(ReadOnlySpan<byte> from) =>
        BinaryPrimitives.ReadUInt16BigEndian(from) is var age && age == Unheard ? null : TimeSpan.FromMilliseconds(age);
}
