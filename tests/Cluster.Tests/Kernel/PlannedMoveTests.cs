using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Cluster.Tests.Kernel;

/// <summary>
/// Planned moves break no connection whose pod lives, and no request fails: what began at the former owner is sent on to it, what begins at the
/// new one stays there.
/// </summary>
public sealed class PlannedMoveTests(ClusterFixture fixture, ITestOutputHelper output) : ConnectionTest(fixture, output)
{
    [Theory]
    [InlineData("exclude label", false)]
    [InlineData("exclude label", true)]
    [InlineData("pool's nodes", false)]
    public async Task PlannedMove_BreaksNoConnection_AndNoRequestFails(string move, bool six)
    {
        (string name, _, string address) = await AnnouncedAsync(six);
        Node owner = await OwnerAsync(address);
        await using LongConnections connections = await OpenAsync(address);
        await using ConnectProbe probe = ConnectProbe.StartRequests(Cluster.Client, address, Interval);
        await Eventually.TrueAsync(() => probe.Attempts.Count > 10, Soon, "requests");
        switch (move)
        {
            case "exclude label":
                await LabelAsync(owner, ExcludeLabel, "");
                break;
            default:
                await Task.WhenAll(Cluster.Nodes.Where(node => node != owner).Select(node => LabelAsync(node, "edge", "true")));
                await ChangeConfigAsync(Dual.Replace("protocol: layer2", "protocol: layer2\n  node-selectors: [{match-labels: {edge: 'true'}}]", StringComparison.Ordinal));
                break;
        }

        Node next = await MovedAsync(address, owner);
        await StayAsync(connections);
        await probe.StopAsync();

        Assert.DoesNotContain(probe.Attempts, attempt => !attempt.Success);
        Assert.True(await SentOnAsync(next) > 0);
        Assert.Equal(1, await SumAsync(next, "loadbalancer_speaker_kernel_addresses_sent_on"));
        string message = await Eventually.GetAsync(
            async () => await Cluster.LastEventAsync(name, "nodeAssigned") is { } text && text.Contains(" before: ", StringComparison.Ordinal) ? text : null, Soon, "an Event that says from where");
        Assert.EndsWith("; open TCP connections stay", message, StringComparison.Ordinal);
        Figure($"{move}, {(six ? "IPv6" : "IPv4")}: 0 of {Count} connections broken, 0 of {probe.Attempts.Count} requests failed");
    }

    // Cordoning moves no address, neither does a drain while other pods serve; before its reboot the node gives its addresses away.
    [Fact]
    public async Task OwnerCordonedDrainedAndExcluded_OnlyTheConnectionsOfItsPodsEnd()
    {
        (_, IReadOnlyList<Pod> pods, string address) = await AnnouncedAsync(six: false);
        Node owner = await OwnerAsync(address);
        Pod ends = pods.Single(pod => pod.Node == owner);
        await using LongConnections connections = await OpenAsync(address);
        Assert.Contains(ends.Name, connections.Pods);
        await Cluster.Api.MergeAsync($"/api/v1/nodes/{owner.Name}", new JsonObject { ["spec"] = new JsonObject { ["unschedulable"] = true } });
        await Cluster.SetReadyAsync(ends, false);
        await HoldsForAsync(Watched, () => connections.Broken == 0, "no connection broken by a cordon");
        Assert.Equal(owner, await OwnerAsync(address));

        await Cluster.RemoveAsync(ends, "default");
        await Eventually.TrueAsync(() => connections.Broken == connections.Pods.Count(pod => pod == ends.Name), Soon, "the connections of the pod that ended to end");
        await MoveAsync(address, owner);
        await HoldsForAsync(Watched, () => connections.BrokenBeside(ends.Name) == 0, $"no connection of another pod broken: {connections.FirstFailure}");
        Figure($"{owner.Name} drained and excluded: {connections.Broken} of {Count} connections ended with their pod, no other");
    }

    [Fact]
    public async Task ThereAndBack_NoConnectionBreaks_WhereverItBegan()
    {
        (string address, Node owner) = await AnsweredByKernelAsync();
        await using LongConnections first = await OpenAsync(address);
        Node next = await MoveAsync(address, owner);
        await using LongConnections second = await OpenAsync(address);
        await MoveToAsync(address, owner);
        await using LongConnections third = await OpenAsync(address);
        await StayAsync(first, second, third);
        Figure($"{owner.Name}, {next.Name}, {owner.Name}: 0 of {3 * Count} connections broken");
    }

    [Fact]
    public async Task OverAThirdNode_WhatBeganAtTheLastTwoStays_TheRestIsReset_AndNothingCircles()
    {
        (string address, Node a) = await AnsweredByKernelAsync();
        await using LongConnections first = await OpenAsync(address);
        Node b = await MoveAsync(address, a);
        await using LongConnections second = await OpenAsync(address);
        Node c = await MoveAsync(address, b);
        await using LongConnections third = await OpenAsync(address);
        await BreakAsync(first);
        double before = await SentOnAsync(a) + await SentOnAsync(b);
        await StayAsync(second, third);

        // Each segment was sent on once, by the owner; nobody else sent anything on.
        Assert.Equal(before, await SentOnAsync(a) + await SentOnAsync(b));
        Assert.True(await SentOnAsync(c) > 0);
        Figure($"{a.Name}, {b.Name}, {c.Name}: of {Count} connections each, {first.Broken}, {second.Broken}, {third.Broken} broken");
    }

    private static string Dual => UsualConfig.Replace(Lan.Pool, $"{Lan.Pool}, '{Lan.Pool6}'", StringComparison.Ordinal);

    private async Task<(string Name, IReadOnlyList<Pod> Pods, string Address)> AnnouncedAsync(bool six)
    {
        await RequireKernelAsync();
        await ChangeConfigAsync(Dual);
        string app = NewName("app"), name = NewName();
        IReadOnlyList<Pod> pods = await Cluster.DeployAsync(app, Cluster.Nodes);
        await CreateServiceAsync(name, new JsonObject
        {
            ["selector"] = new JsonObject { ["app"] = app },
            ["ipFamilyPolicy"] = "SingleStack",
            ["ipFamilies"] = new JsonArray(six ? "IPv6" : "IPv4"),
        });
        return (name, pods, await Cluster.WaitForAddressAsync(name));
    }
}
