using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// Edge to the kernel: the IPv6 multicast groups one link listens to. The network card lets their frames in, and switches that
/// snoop are told by MLD (RFC 3810). Disposing leaves them all. One thread at a time.
/// </summary>
public interface IMulticastGroups : IDisposable
{
    /// <summary>Joins a group that was not joined.</summary>
    /// <returns>Null, or why that is impossible now, for the log.</returns>
    string? Join(IpAddress group);

    /// <summary>Leaves a group that was joined. An interface that is gone has left it already.</summary>
    void Leave(IpAddress group);
}
