namespace LoadBalancer.Core.Allocation;

/// <summary>
/// Why a Service does not have, or no longer has, an address. The name of the value is the label of the metrics and stands at the end
/// of the Event's message, so that a message can be looked up in the documentation.
/// </summary>
public enum AllocationReason
{
    /// <summary><c>spec.type</c> is not LoadBalancer.</summary>
    NotLoadBalancer,

    /// <summary><c>spec.loadBalancerClass</c> is not the one served here.</summary>
    ForeignClass,

    /// <summary>The Service has no cluster IP.</summary>
    NoClusterIP,

    /// <summary>The Service is being deleted.</summary>
    BeingDeleted,

    /// <summary>The addresses were asked for in two places.</summary>
    RequestedTwice,

    /// <summary>What was asked for is not an address.</summary>
    RequestNotAnAddress,

    /// <summary>More addresses were asked for than one of each family.</summary>
    RequestedTooMany,

    /// <summary>An address of a family that the Service does not have was asked for.</summary>
    RequestFamilyMismatch,

    /// <summary>The address asked for, or in use, is in no pool.</summary>
    AddressOutsidePools,

    /// <summary>The address asked for, or in use, ends in .0 or .255, and its pool avoids those.</summary>
    AddressAvoided,

    /// <summary>The address asked for is not in the pool asked for.</summary>
    AddressContradictsPool,

    /// <summary>There is no pool of the name asked for.</summary>
    PoolUnknown,

    /// <summary>The pool's namespaces or selectors do not match the Service.</summary>
    PoolNotForService,

    /// <summary>Both families are required, but the Service has cluster IPs of one only.</summary>
    NotDualStack,

    /// <summary>No valid configuration has been read yet.</summary>
    NoConfiguration,

    /// <summary>The configuration has no pool.</summary>
    NoPools,

    /// <summary>No pool gives addresses to this Service by itself.</summary>
    NoPoolForService,

    /// <summary>No pool that could be used has addresses of the family.</summary>
    NoPoolOfFamily,

    /// <summary>Every address of the pools that could be used is taken.</summary>
    NoFreeAddress,

    /// <summary>One address was given; the preferred second family cannot be had now.</summary>
    SecondFamilyUnavailable,

    /// <summary>The address is set aside: a node's, a gateway's, or used by a stranger.</summary>
    AddressExcluded,

    /// <summary>Another Service has the address and one of the two does not share.</summary>
    AddressInUse,

    /// <summary>Another Service has the address and shares it under another key.</summary>
    SharingKeyDiffers,

    /// <summary>A sharer's traffic policy, namespace or selector does not go with this Service's.</summary>
    SharingBackendDiffers,

    /// <summary>The Service has an address together with one of other pods, from a time when that was granted. It keeps it.</summary>
    SharedWithOtherPods,

    /// <summary>A sharer has one of this Service's ports.</summary>
    SharingPortTaken,

    /// <summary>The Service has another address because it asked for it.</summary>
    AddressRequested,

    /// <summary>The Service has another address because it asked for another pool.</summary>
    PoolRequested,

    /// <summary>The families of the Service changed.</summary>
    FamiliesChanged,

    /// <summary>The status shows something that this controller did not give.</summary>
    StatusAltered,
}
