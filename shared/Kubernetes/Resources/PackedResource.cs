namespace LoadBalancer.Kubernetes.Resources;

/// <summary>What is kept of an object of which a cluster has thousands: which one it is, and in which version, takes 32 bytes.</summary>
public abstract record PackedResource : IResource
{
    private readonly PackedVersion version = new("", "");

    /// <inheritdoc/>
    public required ObjectKey Key { get; init; }

    /// <inheritdoc/>
    public string Uid
    {
        get => version.Uid;
        init => version = new PackedVersion(value, version.Version);
    }

    /// <inheritdoc/>
    public string ResourceVersion
    {
        get => version.Version;
        init => version = new PackedVersion(version.Uid, value);
    }

    /// <inheritdoc/>
    public abstract bool IsKept { get; }

    /// <inheritdoc/>
    public bool IsSameVersionAs(IResource other) => other is PackedResource resource && EqualityContract == resource.EqualityContract && version.IsSame(resource.version);

    /// <summary>Whether it is the same object, in whatever version: one deleted and made anew is another.</summary>
    public bool IsSameObjectAs(PackedResource other) => version.IsSameObject(other.version);
}
