namespace LoadBalancer.Core.Addressing;

/// <summary>The IP family of an address, by the names of the Kubernetes API (<c>spec.ipFamilies</c>).</summary>
public enum IpFamily : byte
{
    /// <summary>Internet Protocol version 4 (RFC 791).</summary>
    IPv4 = 4,

    /// <summary>Internet Protocol version 6 (RFC 8200).</summary>
    IPv6 = 6,
}
