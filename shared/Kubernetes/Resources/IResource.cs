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
}
