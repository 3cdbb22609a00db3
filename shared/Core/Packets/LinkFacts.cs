using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Packets;

/// <summary>What is known of one link: a network interface of this node on which VIPs may be announced. Immutable.</summary>
/// <param name="Name">The interface's name, as <c>ip link</c> prints it.</param>
/// <param name="Index">The interface's index, at least 1; a re-created interface has another.</param>
/// <param name="Mac">Its hardware address.</param>
/// <param name="Prefixes">Its addresses with their prefix lengths, IPv4 and IPv6, link-local ones left out.</param>
/// <param name="Carrier">Whether frames can pass: administratively up and carrier present.</param>
public sealed record LinkFacts(string Name, int Index, MacAddress Mac, IReadOnlyList<IpPrefix> Prefixes, bool Carrier)
{
    /// <summary>
    /// Names the wire as far as the kernel tells: equal for interfaces that share one by construction, such as a macvlan and its parent,
    /// although they do not hear each other. Links with different ones may share a wire all the same.
    /// </summary>
    public long Wire { get; init; } = Index;

    /// <summary>The longest payload of a frame that the link takes, in octets.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>Whether one of the link's subnets contains the address.</summary>
    public bool Covers(IpAddress address)
    {
        foreach (var prefix in Prefixes)
        {
            if (prefix.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
