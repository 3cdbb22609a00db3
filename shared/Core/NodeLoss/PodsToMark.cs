namespace LoadBalancer.Core.NodeLoss;

/// <summary>A pod of the lost node.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Uid">Its uid: another pod of the same name is not meant.</param>
/// <param name="Ready">Whether its condition Ready is True.</param>
/// <param name="Excluded">Whether an annotation on it or on its namespace says to leave it alone.</param>
public sealed record LostPod(string Namespace, string Name, string Uid, bool Ready, bool Excluded);

/// <summary>Which pods stand behind a Service.</summary>
/// <param name="Namespace">The Service's namespace.</param>
/// <param name="Name">The Service's name.</param>
/// <param name="Rank">Lower is marked first: <see cref="PodsToMark.LoadBalancer"/>, <see cref="PodsToMark.Dns"/>, <see cref="PodsToMark.Other"/>.</param>
/// <param name="PodsHere">The uids of its ready pods on the lost node.</param>
/// <param name="ReadyElsewhere">Whether it has a ready endpoint that is not on a lost node.</param>
public sealed record ServiceBackends(string Namespace, string Name, int Rank, IReadOnlySet<string> PodsHere, bool ReadyElsewhere);

/// <summary>The pods of one Service that are marked together, so that kube-proxy has to follow once only.</summary>
/// <param name="Service">Its namespace and name, joined by a slash.</param>
/// <param name="Pods">The pods; each is in one group only.</param>
public sealed record PodGroup(string Service, IReadOnlyList<LostPod> Pods);

/// <summary>What is to be marked of a lost node.</summary>
/// <param name="Groups">In this order.</param>
/// <param name="LeftForLastEndpoint">How many pods are left as they are because a Service of theirs would have no ready endpoint.</param>
/// <param name="LeftByAnnotation">How many are left because an annotation says so.</param>
public sealed record PodsToMark(IReadOnlyList<PodGroup> Groups, int LeftForLastEndpoint, int LeftByAnnotation)
{
    /// <summary>The rank of a Service of type LoadBalancer.</summary>
    public const int LoadBalancer = 0;

    /// <summary>The rank of the cluster's DNS.</summary>
    public const int Dns = 1;

    /// <summary>The rank of all others.</summary>
    public const int Other = 2;

    /// <summary>The number of pods in all groups.</summary>
    public int Count => Groups.Sum(static group => group.Pods.Count);

    /// <summary>
    /// Chooses. A pod behind no Service is left alone: nothing is sent to it. So is one whose Service would have nothing left: a last
    /// endpoint that may answer after all is better than none, and what acts on Ready is not driven by the loss of everything.
    /// </summary>
    /// <param name="pods">The pods of the lost node.</param>
    /// <param name="services">The Services that have pods there.</param>
    public static PodsToMark Choose(IEnumerable<LostPod> pods, IEnumerable<ServiceBackends> services)
    {
        var byUid = pods.Where(static pod => pod.Ready).ToDictionary(static pod => pod.Uid, StringComparer.Ordinal);
        var all = services.OrderBy(static s => s.Rank).ThenBy(static s => s.Namespace, StringComparer.Ordinal).ThenBy(static s => s.Name, StringComparer.Ordinal).ToList();
        var excluded = byUid.Values.Where(static pod => pod.Excluded).Select(static pod => pod.Uid).ToHashSet(StringComparer.Ordinal);
        var last = all.Where(static s => !s.ReadyElsewhere).SelectMany(static s => s.PodsHere).Where(byUid.ContainsKey).ToHashSet(StringComparer.Ordinal);
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var groups = new List<PodGroup>();
        foreach (var service in all)
        {
            var members = service.PodsHere
                .Where(uid => byUid.ContainsKey(uid) && !excluded.Contains(uid) && !last.Contains(uid) && taken.Add(uid))
                .Select(uid => byUid[uid])
                .OrderBy(static pod => pod.Name, StringComparer.Ordinal)
                .ToList();
            if (members.Count > 0)
            {
                groups.Add(new PodGroup($"{service.Namespace}/{service.Name}", members));
            }
        }

        var behindServices = all.SelectMany(static s => s.PodsHere).ToHashSet(StringComparer.Ordinal);
        return new PodsToMark(groups, last.Count(uid => !excluded.Contains(uid)), excluded.Count(behindServices.Contains));
    }
}
