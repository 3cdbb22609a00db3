using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Status;

namespace LoadBalancer.Controller.NodeLoss;

/// <summary>Reads what a lost node carries and marks it.</summary>
/// <param name="writer">The edge to the API server.</param>
/// <param name="choice">Chooses among the pods.</param>
internal sealed class LostPodMarker(IPodStatusWriter writer, LostPods choice)
{
    /// <summary>Begins to read the node's pods and the endpoints beside them, while it is still being judged.</summary>
    public PreparedPods Prepare(string node, CancellationToken stop) => new(ReadAsync(node, stop), choice);

    /// <summary>Marks the groups one after the other, the pods of each at once: kube-proxy then follows once a Service.</summary>
    /// <returns>How many were marked; those that are gone or others of the same name by now are not.</returns>
    /// <exception cref="HttpRequestException">The server refused or could not be reached after retries; what was marked stays.</exception>
    public async Task<int> MarkAsync(PodsToMark chosen, string message, CancellationToken stop)
    {
        var marked = 0;
        foreach (var group in chosen.Groups)
        {
            var results = await Task.WhenAll(group.Pods.Select(pod =>
                writer.MarkNotReadyAsync(new ObjectKey(pod.Namespace, pod.Name), pod.Uid, message, stop))).ConfigureAwait(false);
            marked += results.Count(static result => result == StatusWriteResult.Written);
        }

        return marked;
    }

    private async Task<(IReadOnlyList<PodResource> Pods, IReadOnlyList<PodEndpointsResource> Slices)> ReadAsync(string node, CancellationToken stop)
    {
        var pods = await writer.ListPodsAsync(node, stop).ConfigureAwait(false);
        string[] namespaces = [.. pods.Select(static pod => pod.Key.Namespace).Distinct(StringComparer.Ordinal)];
        return (pods, await writer.ListEndpointsAsync(namespaces, stop).ConfigureAwait(false));
    }
}

/// <summary>What a lost node carries, being read.</summary>
/// <param name="read">The pods and the EndpointSlices of their namespaces.</param>
/// <param name="choice">Chooses among the pods.</param>
internal sealed class PreparedPods(
    Task<(IReadOnlyList<PodResource> Pods, IReadOnlyList<PodEndpointsResource> Slices)> read, LostPods choice)
{
    /// <summary>Which pods are to be marked.</summary>
    /// <param name="isLost">Whether a node is said to be lost.</param>
    /// <param name="stop">Cancels the wait.</param>
    /// <exception cref="HttpRequestException">The server refused or could not be reached.</exception>
    public async Task<PodsToMark> ChooseAsync(Func<string, bool> isLost, CancellationToken stop)
    {
        var (pods, slices) = await read.WaitAsync(stop).ConfigureAwait(false);
        return choice.Choose(pods, slices, isLost);
    }
}
