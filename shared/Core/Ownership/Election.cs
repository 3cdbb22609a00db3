using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <summary>The order in which nodes are preferred for an address: ascending SHA256(node "#" ip), the choice MetalLB makes too.</summary>
public static class Election
{
    private const int LongestAddressText = 45;

    /// <summary>
    /// The first 16 bytes of SHA256(node "#" ip) as a number, ip in canonical text. They decide alone: two nodes with equal ones would
    /// take 2^64 nodes to meet.
    /// </summary>
    public static UInt128 Rank(string node, IpAddress address)
    {
        var room = Encoding.UTF8.GetMaxByteCount(node.Length) + 1 + LongestAddressText;
        Span<byte> text = room <= 1024 ? stackalloc byte[room] : new byte[room];
        var length = Encoding.UTF8.GetBytes(node, text);
        text[length++] = (byte)'#';
        length += Encoding.ASCII.GetBytes(address.ToString(), text[length..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..length], hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    /// <summary>The nodes in the order they are preferred for the address.</summary>
    public static IReadOnlyList<string> Order(IpAddress address, IEnumerable<string> nodes) =>
        [.. nodes.OrderBy(node => Rank(node, address)).ThenBy(node => node, StringComparer.Ordinal)];
}
