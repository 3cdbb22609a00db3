namespace LoadBalancer.Kubernetes.Resources;

/// <summary>
/// The part of a Kubernetes object that this project uses. Everything else is dropped while it is read, so that
/// 10,000 Services fit in tens of megabytes.
/// </summary>
public interface IResource
{
    /// <summary>Namespace and name.</summary>
    ObjectKey Key { get; }

    /// <summary><c>metadata.uid</c>; empty only for objects made up in tests.</summary>
    string Uid { get; }

    /// <summary><c>metadata.resourceVersion</c>, opaque (Kubernetes API concepts, "resource versions").</summary>
    string ResourceVersion { get; }

    /// <summary>Whether there is anything of it to keep: a store does without one that says no, as if it were not there.</summary>
    bool IsKept => true;

    /// <summary>Whether it is the same version of the same object; one without a version is like no other.</summary>
    bool IsSameVersionAs(IResource other) => Uid == other.Uid && ResourceVersion == other.ResourceVersion && ResourceVersion.Length > 0;

    /// <summary>
    /// Whether another version of the same object says the same, as far as it is kept: a kubelet writes its Node anew every few minutes, only to say that
    /// it is there, and nobody need look for that. False where that is not known.
    /// </summary>
    bool SaysTheSameAs(IResource other) => false;
}
