using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Status;

namespace LoadBalancer.Controller.NodeLoss;

/// <summary>Reads what a lost node carries and marks it.</summary>
/// <param name="writer">The edge to the API server.</param>
/// <param name="choice">Chooses among the pods.</param>
/// <param name="time">The clock.</param>
internal sealed class LostPodMarker(IPodStatusWriter writer, LostPods choice, TimeProvider time)
{
    // Within the second that kube-proxy waits after its first sync.
    private static readonly TimeSpan[] Repeats = [TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(150), TimeSpan.FromMilliseconds(300)];

    /// <summary>Begins to read the node's pods and the endpoints beside them, while it is still being judged.</summary>
    public PreparedPods Prepare(string node, CancellationToken stop) => new(ReadAsync(node, stop), choice);

    /// <summary>
    /// Marks one Service after the other: its endpoints, each slice by one write, and then the pods behind them, all at once. The pods alone
    /// would do: but the EndpointSlice controller follows them in two or more steps, and kube-proxy takes the second a second after the first.
    /// Between the two it may write back a slice whose pods it has not all seen yet: see <see cref="HoldAsync"/>.
    /// </summary>
    /// <returns>How many pods were marked; those that are gone or others of the same name by now are not.</returns>
    /// <exception cref="HttpRequestException">The server refused or could not be reached after retries; what was marked stays.</exception>
    public async Task<int> MarkAsync(ChosenPods chosen, string message, CancellationToken stop)
    {
        var marked = 0;
        foreach (var group in chosen.Pods.Groups)
        {
            await Task.WhenAll(chosen.EndpointsOf(group).Select(slice => WithdrawAsync(slice, stop))).ConfigureAwait(false);
            var results = await Task.WhenAll(group.Pods.Select(pod =>
                writer.MarkNotReadyAsync(new ObjectKey(pod.Namespace, pod.Name), pod.Uid, message, stop))).ConfigureAwait(false);
            marked += results.Count(static result => result == StatusWriteResult.Written);
        }

        return marked;
    }

    /// <summary>
    /// Marks the endpoints a few times more. Having seen a part of the pods, the EndpointSlice controller writes the others' endpoints back
    /// as ready, and if it then meets its own write too early it waits for a second. What is as it should be is not written by the server.
    /// </summary>
    public async Task HoldAsync(ChosenPods chosen, CancellationToken stop)
    {
        try
        {
            foreach (var pause in Repeats)
            {
                await Task.Delay(pause, time, stop).ConfigureAwait(false);
                await Task.WhenAll(chosen.Pods.Groups.SelectMany(chosen.EndpointsOf).Select(slice => WithdrawAsync(slice, stop))).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // The slices follow the pods, a little later.
        }
    }

    // What the server refuses here only takes longer: the slices follow the pods.
    private async Task WithdrawAsync(LostEndpoints slice, CancellationToken stop)
    {
        try
        {
            await writer.MarkNotReadyAsync(slice.Slice, slice.Endpoints, stop).ConfigureAwait(false);
        }
        catch (ApiException)
        {
        }
    }

    private async Task<(IReadOnlyList<PodResource> Pods, IReadOnlyList<PodEndpointsResource> Slices)> ReadAsync(string node, CancellationToken stop)
    {
        var pods = await writer.ListPodsAsync(node, stop).ConfigureAwait(false);
        string[] namespaces = [.. pods.Select(static pod => pod.Key.Namespace).Distinct(StringComparer.Ordinal)];
        return (pods, await writer.ListEndpointsAsync(namespaces, stop).ConfigureAwait(false));
    }
}

/// <summary>Endpoints of a slice that are marked together.</summary>
/// <param name="Slice">The slice as it was listed.</param>
/// <param name="Endpoints">Their places in it.</param>
internal sealed record LostEndpoints(PodEndpointsResource Slice, IReadOnlyList<int> Endpoints);

/// <summary>What is marked of a lost node.</summary>
/// <param name="Pods">The pods.</param>
/// <param name="Slices">The slices beside them.</param>
internal sealed record ChosenPods(PodsToMark Pods, IReadOnlyList<PodEndpointsResource> Slices)
{
    /// <summary>
    /// The endpoints of a group's pods, of whatever Service, where the EndpointSlice controller keeps the slice: it puts right what is
    /// marked wrongly.
    /// </summary>
    public IEnumerable<LostEndpoints> EndpointsOf(PodGroup group)
    {
        var uids = group.Pods.Select(static pod => pod.Uid).ToHashSet(StringComparer.Ordinal);
        foreach (var slice in Slices.Where(static slice => slice.FollowsPods && slice.ServiceName.Length > 0))
        {
            int[] places = [.. Enumerable.Range(0, slice.Endpoints.Count).Where(i => slice.Endpoints[i].Ready && uids.Contains(slice.Endpoints[i].PodUid))];
            if (places.Length > 0)
            {
                yield return new LostEndpoints(slice, places);
            }
        }
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
    public async Task<ChosenPods> ChooseAsync(Func<string, bool> isLost, CancellationToken stop)
    {
        var (pods, slices) = await read.WaitAsync(stop).ConfigureAwait(false);
        return new ChosenPods(choice.Choose(pods, slices, isLost), slices);
    }
}
