namespace LoadBalancer.Kubernetes.Resources;

/// <summary>What names an object of one kind: its namespace, empty for cluster-scoped kinds, and its name.</summary>
/// <param name="Namespace">The namespace, or the empty string.</param>
/// <param name="Name">The name.</param>
public readonly record struct ObjectKey(string Namespace, string Name)
{
    /// <summary><c>namespace/name</c>, or the name alone for cluster-scoped kinds: the form logs use.</summary>
    public override string ToString() => Namespace.Length == 0 ? Name : $"{Namespace}/{Name}";
}
