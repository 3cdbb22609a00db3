using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Speaker.Membership;

/// <summary>Which speaker this is.</summary>
/// <param name="Node">The node's name in Kubernetes.</param>
/// <param name="Boot">Names this run of the program: 64 random bits, not 0. See docs/protocol.md.</param>
public sealed record SpeakerIdentity(string Node, ulong Boot)
{
    /// <summary>The sequence numbers of all its frames.</summary>
    public SequenceCounter Sequence { get; } = new();
}
