using System.Net.NetworkInformation;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Kubectl.Doctor;

/// <summary>A link of this machine.</summary>
/// <param name="Name">The interface.</param>
/// <param name="Index">Its number in the kernel.</param>
/// <param name="Mac">Its hardware address.</param>
/// <param name="Prefixes">Its addresses.</param>
internal sealed record LocalLink(string Name, int Index, MacAddress Mac, IReadOnlyList<IpPrefix> Prefixes)
{
    private const int MacOctets = 6;

    /// <summary>The Ethernet links that are not down and have an address. In a container's network what the kernel says of them may be unknown.</summary>
    public static IReadOnlyList<LocalLink> All() =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces()
            .Where(static link => link.OperationalStatus is not (OperationalStatus.Down or OperationalStatus.NotPresent or OperationalStatus.LowerLayerDown) && link.NetworkInterfaceType != NetworkInterfaceType.Loopback && link.GetPhysicalAddress().GetAddressBytes().Length == MacOctets)
            .Select(static link => Of(link)).Where(static link => link.Prefixes.Count > 0),
    ];

    /// <summary>Those in whose subnet an address is; if there is none, all that have an address of its family, as the speakers do.</summary>
    public static IReadOnlyList<LocalLink> For(IReadOnlyList<LocalLink> links, IpAddress address) =>
        links.Where(link => link.Prefixes.Any(prefix => prefix.Contains(address))).ToArray() is { Length: > 0 } near ? near
            : [.. links.Where(link => link.Prefixes.Any(prefix => prefix.Address.Family == address.Family))];

    private static LocalLink Of(NetworkInterface link)
    {
        var properties = link.GetIPProperties();
        var prefixes = properties.UnicastAddresses
            .Select(static own => IpPrefix.TryParse($"{new System.Net.IPAddress(own.Address.GetAddressBytes())}/{own.PrefixLength}", out var prefix) ? prefix : (IpPrefix?)null)
            .OfType<IpPrefix>().ToArray();
        return new LocalLink(link.Name, IndexOf(properties), MacAddress.Parse(string.Join(':', link.GetPhysicalAddress().GetAddressBytes().Select(static octet => octet.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)))), prefixes);
    }

    private static int IndexOf(IPInterfaceProperties properties)
    {
        try
        {
            return properties.GetIPv4Properties().Index;
        }
        catch (NetworkInformationException)
        {
            return properties.GetIPv6Properties().Index;
        }
    }
}
