namespace LoadBalancer.Core.Ownership;

/// <summary>For people: why a node, or one of its interfaces, may not own a VIP.</summary>
public static class IneligibleText
{
    /// <summary>The label that keeps a node from being used for load balancers.</summary>
    public const string ExcludeLabel = "node.kubernetes.io/exclude-from-external-load-balancers";

    /// <summary>The reason as what follows a node's name.</summary>
    /// <param name="why">The reason.</param>
    /// <param name="link">The interface it is about.</param>
    public static string Of(Ineligible why, string link) => why switch
    {
        Ineligible.SpeakerNotReady => "its speaker is not ready",
        Ineligible.Leaving => "its speaker is shutting down",
        Ineligible.CannotHear => "its link sends and does not hear",
        Ineligible.NodeExcluded => $"it has the label {ExcludeLabel}",
        Ineligible.NetworkUnavailable => "its condition NetworkUnavailable is true",
        Ineligible.NodeSelector => "the pool's node-selectors do not match it",
        Ineligible.Interface => $"the pool does not name its interface {link}",
        Ineligible.OtherSubnet => $"the address belongs to the subnet of another of its interfaces than {link}",
        Ineligible.NoLocalEndpoint => "it has no serving endpoint, and externalTrafficPolicy is Local",
        _ => why.ToString(),
    };
}
