using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.NodeLoss;

/// <summary>
/// What a speaker says in its Lease of a node it has lost: neither the node's speaker nor its kernel answers on the segment that carries
/// the node's InternalIP, and the peers see it so too.
/// </summary>
/// <param name="Node">The lost node's name.</param>
/// <param name="Boot">The run of its speaker that fell silent; another run is another loss. Not 0.</param>
/// <param name="Address">The address its kernel was asked for and did not answer: to be the node's InternalIP.</param>
/// <param name="Agreed">How many living speakers of the segment agree, the one that says so included; at least 1.</param>
/// <param name="Witness">Whether a host that is no speaker answered the reporter while the node did not.</param>
/// <param name="Silence">How long the node had been silent when it was said.</param>
public sealed record LossStatement(string Node, ulong Boot, IpAddress Address, int Agreed, bool Witness, TimeSpan Silence)
{
    /// <summary>Fewer are not enough: one that hears nobody may be the lost one itself.</summary>
    public const int EnoughSpeakers = 2;

    /// <summary>Whether it is more than one speaker's word: two that live agree, or a witness answered the only one.</summary>
    public bool IsBacked => Agreed >= EnoughSpeakers || Witness;
}
