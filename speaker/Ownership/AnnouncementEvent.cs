namespace LoadBalancer.Speaker.Ownership;

/// <summary>Reasons of Events about a Service's announcement. The names are the Event reasons; the first two are MetalLB's words.</summary>
#pragma warning disable CA1707, IDE1006 // MetalLB writes these two in lowerCamelCase, and people's alerts look for them.
public enum AnnouncementEvent
{
    /// <summary>Normal: a node began to announce an address.</summary>
    nodeAssigned,

    /// <summary>Warning: no node has one of the interfaces the pool names.</summary>
    announceFailed,

    /// <summary>Normal: nobody announces an address, since no endpoint serves.</summary>
    NoServingEndpoint,

    /// <summary>Warning: endpoints serve, but no node may own the address.</summary>
    NoEligibleNode,

    /// <summary>Warning: the address in the status is in no pool, so it is not announced.</summary>
    AddressNotInPool,

    /// <summary>Warning: the address in the status is a node's or a gateway's, so it is not announced.</summary>
    AddressNotAnnounced,
}
#pragma warning restore CA1707, IDE1006
