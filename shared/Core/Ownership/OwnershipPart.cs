using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <summary>Where a node stands towards one VIP on one segment.</summary>
public enum OwnershipPhase
{
    /// <summary>Another node owns it, or nobody.</summary>
    Away,

    /// <summary>This node answers for it and announces it.</summary>
    Owner,

    /// <summary>Another node is to own it; this one still answers, so that no request falls between the two.</summary>
    HandingOver,

    /// <summary>Another node owns it and its speaker is away: this one answers with the owner's hardware address.</summary>
    Deputy,
}

/// <summary>The part a node plays for one VIP on one segment, with what it has to remember for as long as it plays it. Immutable.</summary>
public abstract record OwnershipPart
{
    private OwnershipPart()
    {
    }

    /// <summary>Somebody else owns it, or nobody, and nobody is waited for.</summary>
    public static Watcher Idle { get; } = new();

    /// <summary>Where the node stands.</summary>
    public abstract OwnershipPhase Phase { get; }

    /// <summary>When to decide again though nothing has changed, or null.</summary>
    public virtual TimeSpan? Due => null;

    /// <summary>It does not answer.</summary>
    /// <param name="WaitsUntil">Until when somebody is waited for that should take the VIP, or has just let it go; null for nobody.</param>
    /// <param name="Skipped">How many of the first candidates did not take a VIP that nobody had, in the time they were given.</param>
    public sealed record Watcher(TimeSpan? WaitsUntil = null, int Skipped = 0) : OwnershipPart
    {
        /// <inheritdoc/>
        public override OwnershipPhase Phase => OwnershipPhase.Away;

        /// <inheritdoc/>
        public override TimeSpan? Due => WaitsUntil;
    }

    /// <summary>It answers and announces.</summary>
    public sealed record Holder : OwnershipPart
    {
        /// <summary>Another node claims it too. When that has stopped, it is announced again.</summary>
        public bool Contested { get; init; }

        /// <summary>This node wants to give it away although it is fit.</summary>
        public bool Yields { get; init; }

        /// <summary>This node's link hears nothing, so that whoever hears should have it.</summary>
        public bool StandsDown { get; init; }

        /// <summary>While this node shuts down: when it stops answering at the latest; else null.</summary>
        public TimeSpan? LeavesBy { get; init; }

        /// <inheritdoc/>
        public override OwnershipPhase Phase => OwnershipPhase.Owner;

        /// <inheritdoc/>
        public override TimeSpan? Due => LeavesBy;
    }

    /// <summary>It answers until its successor does.</summary>
    /// <param name="Until">When it stops at the latest: the successor cannot be heard, the traffic is lost here, or this node shuts down. Null to wait for as long as it takes.</param>
    public sealed record Former(TimeSpan? Until) : OwnershipPart
    {
        /// <inheritdoc/>
        public override OwnershipPhase Phase => OwnershipPhase.HandingOver;

        /// <inheritdoc/>
        public override TimeSpan? Due => Until;
    }

    /// <summary>It answers in place of an owner whose speaker is away.</summary>
    /// <param name="For">The owner; not <see cref="OwnershipState.Owner"/> while a successor is waited for.</param>
    /// <param name="Mac">The owner's hardware address.</param>
    public sealed record Deputy(string For, MacAddress Mac) : OwnershipPart
    {
        /// <inheritdoc/>
        public override OwnershipPhase Phase => OwnershipPhase.Deputy;
    }
}
