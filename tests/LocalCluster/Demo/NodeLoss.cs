using System.Globalization;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.LocalCluster.Demo;

/// <summary>The node that has a Service's address is lost and comes back, while a client asks for the page all the time.</summary>
/// <param name="cluster">A cluster with a pod of the Service on each node.</param>
/// <param name="screen">Where it is shown.</param>
/// <param name="service">The Service, in the namespace <c>default</c>.</param>
/// <param name="address">Its address.</param>
/// <param name="duration">How long the node stays away.</param>
/// <param name="marked">Whether controllers mark the lost node's pods, so that this is waited for.</param>
internal sealed class NodeLoss(Cluster cluster, Screen screen, string service, string address, TimeSpan duration, bool marked)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Shows it; throws if no other node answers, if the address does not stay there when the lost node is back, or if pods are not marked
    /// that should be.
    /// </summary>
    /// <returns>What the client saw while the node was away.</returns>
    internal async Task<FaultFigures> RunAsync()
    {
        await using ConnectProbe probe = ConnectProbe.StartRequests(cluster.Client, address, Interval);
        await Eventually.TrueAsync(() => probe.SucceededSince(default), Patience, $"a page from {address}");
        Node lost = await HolderAsync(_ => true);
        TimeSpan before = default, cut = default;
        await screen.StepAsync($"{lost.Name} taken off the wire", () =>
        {
            before = probe.Now;
            lost.Host.Unplug();
            cut = probe.Now;
            return Task.FromResult($"its cable is pulled; the client asks for the page every {Milliseconds(Interval)}");
        });
        Node? other = null;
        await screen.StepAsync("another node answers", async () =>
        {
            await Eventually.TrueAsync(() => probe.SucceededSince(cut), Patience, "a page from another node");
            other = await HolderAsync(node => node != lost);
            return $"{other.Name} has {address} now; first answer {Milliseconds(probe.FirstSuccessAfter(cut)!.Value + cut - before)} after the cable was pulled";
        });
        if (marked)
        {
            await screen.StepAsync($"{lost.Name}'s pod marked not ready", async () => $"Event NodeLost: {await MarkedAsync(lost)}");
        }

        FaultFigures? figures = null;
        string[] why = [];
        await screen.StepAsync("what the client saw of it all", async () =>
        {
            await Eventually.TrueAsync(() => probe.Now - before >= duration, duration + Patience, "the end of the fault");
            TimeSpan end = probe.Now;
            // Before the cable is back: what is under way must not be saved by it.
            await Eventually.TrueAsync(() => probe.IsSettledUntil(end), Patience, "the last answers");
            figures = FaultFigures.Of(probe.Attempts, before, cut, end);
            why = await WhyAsync(figures, lost, other!);
            return Describe(figures, end - before);
        });
        screen.Note(why);
        await screen.StepAsync($"{lost.Name} back on the wire", async () =>
        {
            lost.Host.Plug();
            TimeSpan back = probe.Now;
            TimeSpan LastFailure() => probe.Attempts.Where(attempt => !attempt.Success && attempt.Started > back).Select(attempt => attempt.Started).Append(back).Max();
            await Eventually.TrueAsync(() => probe.Now - LastFailure() > Calm && probe.IsSettledUntil(LastFailure() + Calm), Patience, $"{Calm.TotalSeconds:0} s without a failure");
            await HolderAsync(node => node == other);
            string after = LastFailure() == back ? "at once" : $"after {Milliseconds(LastFailure() - back)}";
            return $"every request is answered again {after}; {other!.Name} keeps the address";
        });
        if (marked)
        {
            await screen.StepAsync($"{lost.Name}'s pod ready again", async () =>
            {
                await WhenReadyEndpointsAsync(on => on.Any(endpoint => NodeOf(endpoint) == lost.Name), $"{lost.Name}'s pod ready again");
                return "its kubelet has reported it as it is";
            });
        }

        return figures!;
    }

    private static string Describe(FaultFigures figures, TimeSpan length)
    {
        string last = figures.LastFailure is { } moment ? $", the last one {Milliseconds(moment)} after the cable was pulled" : "";
        // A machine with too much to do does not keep the interval: the one that was kept is told.
        return string.Create(CultureInfo.InvariantCulture, $"{figures.Failed} of {figures.Attempts} requests, one every {Milliseconds(length / figures.Attempts)}, failed{last}");
    }

    /// <summary>The reason for the failures, by what the API server says of the pods at the end.</summary>
    private async Task<string[]> WhyAsync(FaultFigures figures, Node lost, Node other)
    {
        JsonObject[] ready = await ReadyEndpointsAsync();
        int dead = ready.Count(endpoint => NodeOf(endpoint) == lost.Name);
        return
        [
            $"{figures.FailedBefore} failed until {other.Name} had the address, {figures.Failed - figures.FailedBefore} later:",
            dead == 0
                ? $"none of the {ready.Length} pods that Kubernetes counts as ready is on {lost.Name} any more"
                : $"Kubernetes counts {lost.Name}'s pod as ready for 40 s and more (here: until it is back), and the proxies send it 1 in {ready.Length}",
        ];
    }

    /// <summary>Waits until no proxy is told to send the lost node anything, and gives what the Event about it says.</summary>
    private async Task<string> MarkedAsync(Node lost)
    {
        await WhenReadyEndpointsAsync(on => on.All(endpoint => NodeOf(endpoint) != lost.Name), $"no endpoint on {lost.Name}");
        return await Eventually.GetAsync(
            async () => (await cluster.Api.GetAsync("/api/v1/namespaces/default/events"))["items"]!.AsArray()
                .Where(entry => (string?)entry!["reason"] == "NodeLost" && (string?)entry["involvedObject"]?["name"] == lost.Name)
                .Select(entry => (string?)entry!["message"]).LastOrDefault(),
            Patience, $"an Event NodeLost for {lost.Name}", () => cluster.Programs.Tails());
    }

    private Task<JsonObject[]> WhenReadyEndpointsAsync(Func<JsonObject[], bool> willDo, string what) => Eventually.GetAsync(
        async () => await ReadyEndpointsAsync() is var ready && willDo(ready) ? ready : null, Patience, what, () => cluster.Programs.Tails());

    /// <summary>The node whose hardware address the client holds, once it is one that will do.</summary>
    private Task<Node> HolderAsync(Func<Node, bool> willDo) => Eventually.GetAsync(
        () => Task.FromResult(cluster.NodeInClientsCache(address) is { } node && willDo(node) ? node : null),
        Patience, $"the client holds the right node's hardware address for {address}", () => cluster.Client.Neighbour(address) ?? "none");

    private async Task<JsonObject[]> ReadyEndpointsAsync()
    {
        JsonObject slices = await cluster.Api.GetAsync("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices");
        return
        [
            .. slices["items"]!.AsArray().Select(slice => slice!.AsObject())
                .Where(slice => (string?)slice["metadata"]!["labels"]?["kubernetes.io/service-name"] == service && (string?)slice["addressType"] == "IPv4")
                .SelectMany(slice => slice["endpoints"]!.AsArray()).Select(endpoint => endpoint!.AsObject())
                .Where(endpoint => (bool?)endpoint["conditions"]?["ready"] == true),
        ];
    }

    private static string? NodeOf(JsonObject endpoint) => (string?)endpoint["nodeName"];

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms");
}
