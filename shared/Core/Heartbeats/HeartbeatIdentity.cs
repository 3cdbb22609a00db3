using System.Text;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Heartbeats;

/// <summary>
/// Who sends and from where: node, link, the link's addresses and those of the node's other links. Changes seldom, so it is encoded
/// once and copied into each frame.
/// </summary>
public sealed class HeartbeatIdentity
{
    private readonly byte[] encoded;

    /// <summary>An identity.</summary>
    /// <param name="node">The node's name: 1 to 253 printable ASCII characters.</param>
    /// <param name="link">The interface's name: 1 to 15 printable ASCII characters.</param>
    /// <param name="prefixes">The link's addresses with their prefix lengths, the node's address on the segment first. Those past <see cref="HeartbeatLayout.MaxPrefixes"/> are left out.</param>
    /// <param name="otherPrefixes">Those of the node's other links: where it would announce a VIP instead. Cut likewise.</param>
    /// <param name="longest">The longest message that may be sent, in octets: prefixes that find no room are left out, the other links' first.</param>
    /// <exception cref="ArgumentException">A name is empty, too long, or not printable ASCII.</exception>
    public HeartbeatIdentity(
        string node, string link, IReadOnlyList<IpPrefix> prefixes, IReadOnlyList<IpPrefix> otherPrefixes, int longest = HeartbeatLayout.MaxMessage)
    {
        Node = CheckName(node, HeartbeatLayout.MaxNodeName, nameof(node));
        Link = CheckName(link, HeartbeatLayout.MaxLinkName, nameof(link));
        var room = longest - HeartbeatLayout.FixedSize - HeartbeatLayout.SignatureSize - Node.Length - Link.Length;
        Prefixes = Fitting(prefixes, ref room);
        OtherPrefixes = Fitting(otherPrefixes, ref room);
        encoded = [.. Encoding.ASCII.GetBytes(Node + Link), .. Prefixes.SelectMany(Encode), .. OtherPrefixes.SelectMany(Encode)];
    }

    /// <summary>The node's name.</summary>
    public string Node { get; }

    /// <summary>The interface's name.</summary>
    public string Link { get; }

    /// <summary>The link's addresses with their prefix lengths.</summary>
    public IReadOnlyList<IpPrefix> Prefixes { get; }

    /// <summary>Those of the node's other links.</summary>
    public IReadOnlyList<IpPrefix> OtherPrefixes { get; }

    /// <summary>The variable part of a message: names, then prefixes.</summary>
    internal ReadOnlySpan<byte> Encoded => encoded;

    /// <summary>The size of a message with nothing behind the identity, in octets.</summary>
    public int MessageSize => HeartbeatLayout.FixedSize + encoded.Length + HeartbeatLayout.SignatureSize;

    private static string CheckName(string name, int longest, string parameter) =>
        name.Length >= 1 && name.Length <= longest && name.All(c => c is > ' ' and <= '~')
            ? name
            : throw new ArgumentException($"'{name}' is not 1 to {longest} printable ASCII characters.", parameter);

    private static List<IpPrefix> Fitting(IReadOnlyList<IpPrefix> prefixes, ref int room)
    {
        var fitting = new List<IpPrefix>(Math.Min(prefixes.Count, HeartbeatLayout.MaxPrefixes));
        foreach (var prefix in prefixes.Take(HeartbeatLayout.MaxPrefixes))
        {
            room -= 2 + (prefix.Address.BitLength / 8);
            if (room < 0)
            {
                break;
            }

            fitting.Add(prefix);
        }

        return fitting;
    }

    private static byte[] Encode(IpPrefix prefix)
    {
        var bytes = new byte[2 + (prefix.Address.BitLength / 8)];
        bytes[0] = (byte)prefix.Address.Family;
        bytes[1] = (byte)prefix.Length;
        prefix.Address.WriteBytes(bytes.AsSpan(2));
        return bytes;
    }
}
