using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Allocation;

/// <summary>What the user asks for on the Service, as written.</summary>
public sealed record AddressRequest
{
    /// <summary>Nothing in particular.</summary>
    public static AddressRequest None { get; } = new();

    /// <summary><c>spec.loadBalancerIP</c>, or empty.</summary>
    public string SpecAddress { get; init; } = "";

    /// <summary>The key of the loadBalancerIPs annotation in force, for messages.</summary>
    public string AnnotationKey { get; init; } = "metallb.io/loadBalancerIPs";

    /// <summary>Its value: addresses, comma-separated; or empty.</summary>
    public string AnnotationAddresses { get; init; } = "";

    /// <summary>The key of the address-pool annotation in force, for messages.</summary>
    public string PoolKey { get; init; } = "metallb.io/address-pool";

    /// <summary>Its value, or empty.</summary>
    public string Pool { get; init; } = "";

    internal string Source => SpecAddress.Length > 0 ? "spec.loadBalancerIP" : $"annotation {AnnotationKey}";

    /// <summary>Reads the addresses: none, one, or one of each family.</summary>
    internal Refusal? Read(IReadOnlyList<IpFamily> families, out IReadOnlyList<IpAddress> addresses)
    {
        addresses = [];
        if (SpecAddress.Length > 0 && AnnotationAddresses.Length > 0)
        {
            return new Refusal(AllocationReason.RequestedTwice,
                $"spec.loadBalancerIP is '{SpecAddress}' and annotation {AnnotationKey} is '{AnnotationAddresses}'; remove one of the two");
        }

        var text = SpecAddress.Length > 0 ? SpecAddress : AnnotationAddresses;
        if (text.Length == 0)
        {
            return null;
        }

        var read = new List<IpAddress>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!IpAddress.TryParse(part, out var address))
            {
                return new Refusal(AllocationReason.RequestNotAnAddress,
                    $"{Source} is '{InvisibleCharacters.Show(text)}', of which '{InvisibleCharacters.Show(part)}' is not an IP address; "
                    + "write one such as 192.168.96.100");
            }

            read.Add(address);
        }

        var refusal = Check(read, families, text);
        addresses = refusal is null ? read : [];
        return refusal;
    }

    private Refusal? Check(List<IpAddress> addresses, IReadOnlyList<IpFamily> families, string text)
    {
        foreach (var family in addresses.GroupBy(static a => a.Family))
        {
            if (family.Count() > 1)
            {
                return new Refusal(AllocationReason.RequestedTooMany,
                    $"{Source} is '{text}', which has {family.Count()} {family.Key} addresses; "
                    + "at most one IPv4 and one IPv6 address is possible");
            }

            if (!families.Contains(family.Key))
            {
                return new Refusal(AllocationReason.RequestFamilyMismatch,
                    $"{Source} asks for {family.First()}, but the Service's spec.ipFamilies is {string.Join(", ", families)}; "
                    + $"ask for an {families[0]} address or change spec.ipFamilies");
            }
        }

        return null;
    }
}
