using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace LoadBalancer.Core.Heartbeats;

/// <summary>A key that the speakers of one cluster share: signs frames and names the cluster on the wire. Never shows its bytes.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A key is in force as long as the program runs, or until a rotation lets the collector have it.")]
public sealed class HeartbeatKey : IEquatable<HeartbeatKey>
{
    /// <summary>The fewest bytes a key may have: 128 bits, the least that RFC 2104 §3 and today's practice leave unguessable.</summary>
    public const int MinimumLength = 16;

    private readonly byte[] key;

    // Kept: making one anew for each of 400 frames a second costs more than the hashing.
    private readonly IncrementalHash hmac;
    private readonly Lock gate = new();

    private HeartbeatKey(byte[] key)
    {
        this.key = key;
        hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Hash("loadbalancer heartbeat cluster id"u8, hash);
        ClusterId = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(hash);
    }

    /// <summary>
    /// The first eight bytes of HMAC-SHA256(key, "loadbalancer heartbeat cluster id"). Says nothing about the key, and tells frames of
    /// another cluster apart at the price of one comparison.
    /// </summary>
    public ulong ClusterId { get; }

    /// <summary>A key from the bytes of a Secret or file; one line end after printable text is not part of it, so that <c>echo</c> works.</summary>
    /// <exception cref="FormatException">Fewer than <see cref="MinimumLength"/> bytes.</exception>
    public static HeartbeatKey From(ReadOnlySpan<byte> bytes)
    {
        var text = bytes.TrimEnd("\r\n"u8);
        if (text.IndexOfAnyExceptInRange((byte)0x20, (byte)0x7E) < 0)
        {
            bytes = text;
        }

        return bytes.Length >= MinimumLength
            ? new HeartbeatKey(bytes.ToArray())
            : throw new FormatException($"has {bytes.Length} bytes; at least {MinimumLength} are needed (for example: openssl rand -base64 32)");
    }

    /// <summary>Writes HMAC-SHA256 of the message (RFC 2104) to 32 bytes.</summary>
    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature) => Hash(message, signature);

    /// <summary>Whether the signature is this key's over the message, compared in constant time.</summary>
    public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Hash(message, expected);
        return CryptographicOperations.FixedTimeEquals(expected, signature);
    }

    /// <inheritdoc/>
    public bool Equals(HeartbeatKey? other) => other is not null && CryptographicOperations.FixedTimeEquals(key, other.key);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as HeartbeatKey);

    /// <inheritdoc/>
    public override int GetHashCode() => ClusterId.GetHashCode();

    /// <summary>The cluster id only.</summary>
    public override string ToString() => $"heartbeat key of cluster {ClusterId:x16}";

    private void Hash(ReadOnlySpan<byte> message, Span<byte> hash)
    {
        lock (gate)
        {
            hmac.AppendData(message);
            hmac.GetHashAndReset(hash);
        }
    }
}
