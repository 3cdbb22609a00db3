namespace LoadBalancer.LocalCluster.ApiServer.Access;

/// <summary>Who makes a request.</summary>
public sealed record User(string Name, IReadOnlyList<string> Groups)
{
    public static User Anonymous { get; } = new("system:anonymous", ["system:unauthenticated"]);

    /// <summary>Whether RBAC does not apply to it.</summary>
    public bool IsMaster => Groups.Contains("system:masters");

    public static User Named(string name) => new(name, Kubeconfig.GroupsOf(name));
}
