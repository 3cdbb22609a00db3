using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Kernel;

/// <summary>Planned moves break no connection: what began at the former owner is sent on to it, what begins at the new one stays there.</summary>
public sealed class ConnectionTests(ClusterFixture fixture, ITestOutputHelper output) : KernelTest(fixture, output)
{
    private const int Count = 30;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OwnerExcluded_NoConnectionBreaks_AndNoRequestFails(bool six)
    {
        if (!await IsHereAsync())
        {
            return;
        }

        (string address, Node owner) = await AnnouncedAsync(six);
        await using LongConnections connections = await LongConnections.OpenAsync(Cluster.Client, address, Count);
        await using ConnectProbe probe = ConnectProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => probe.Attempts.Count > 20, Soon, "connections");
        Node next = await MoveAsync(address, owner, six);
        await HoldsForAsync(TimeSpan.FromSeconds(5), () => connections.Broken == 0, $"no connection broken: {connections.FirstFailure}\n{Cluster.Programs.Tails()}");

        Assert.DoesNotContain(probe.Attempts, attempt => !attempt.Success);
        Assert.True(await SumAsync(next, "loadbalancer_speaker_kernel_segments_sent_on_total") > 0);
        Assert.Equal(1, await SumAsync(next, "loadbalancer_speaker_kernel_addresses_sent_on"));
        Figure($"{(six ? "IPv6" : "IPv4")}, moved by the exclude label: 0 of {Count} connections broken, 0 of {probe.Attempts.Count} requests failed");
    }

    [Fact]
    public async Task ThereAndBack_NoConnectionBreaks_WhereverItBegan()
    {
        if (!await IsHereAsync())
        {
            return;
        }

        (string address, Node owner) = await AnnouncedAsync(six: false);
        await using LongConnections first = await LongConnections.OpenAsync(Cluster.Client, address, Count);
        Node next = await MoveAsync(address, owner);
        await using LongConnections second = await LongConnections.OpenAsync(Cluster.Client, address, Count);
        await LabelAsync(owner, ExcludeLabel, null);
        foreach (Node other in Cluster.Nodes.Where(node => node != owner))
        {
            await LabelAsync(other, ExcludeLabel, "");
        }

        await OwnedByAsync(address, owner);
        await using LongConnections third = await LongConnections.OpenAsync(Cluster.Client, address, Count);
        await HoldsForAsync(TimeSpan.FromSeconds(3), () => first.Broken + second.Broken + third.Broken == 0, $"{first.Broken}, {second.Broken} ({second.FirstFailure}), {third.Broken} broken");
        Figure($"{owner.Name}, {next.Name}, {owner.Name}: 0 of {3 * Count} connections broken");
    }

    [Fact]
    public async Task OverAThirdNode_WhatBeganAtTheLastTwoStays_TheRestIsReset_AndNothingCircles()
    {
        if (!await IsHereAsync())
        {
            return;
        }

        (string address, Node a) = await AnnouncedAsync(six: false);
        await using LongConnections first = await LongConnections.OpenAsync(Cluster.Client, address, Count);
        Node b = await MoveAsync(address, a);
        await using LongConnections second = await LongConnections.OpenAsync(Cluster.Client, address, Count);
        Node c = await MoveAsync(address, b);
        await using LongConnections third = await LongConnections.OpenAsync(Cluster.Client, address, Count);
        await Eventually.TrueAsync(() => first.Broken == Count, Soon, "those of the first node to be reset", () => $"{first.Broken}: {first.FirstFailure}");
        double before = await SumAsync(a, "loadbalancer_speaker_kernel_segments_sent_on_total") + await SumAsync(b, "loadbalancer_speaker_kernel_segments_sent_on_total");
        await HoldsForAsync(TimeSpan.FromSeconds(3), () => second.Broken + third.Broken == 0, $"{second.Broken} ({second.FirstFailure}), {third.Broken} broken");

        // Each segment was sent on once, by the owner; nobody else sent anything on.
        Assert.Equal(before, await SumAsync(a, "loadbalancer_speaker_kernel_segments_sent_on_total") + await SumAsync(b, "loadbalancer_speaker_kernel_segments_sent_on_total"));
        Assert.True(await SumAsync(c, "loadbalancer_speaker_kernel_segments_sent_on_total") > 0);
        Figure($"{a.Name}, {b.Name}, {c.Name}: of {Count} connections each, {first.Broken}, {second.Broken}, {third.Broken} broken");
    }

    [Fact]
    public async Task FormerOwnerDies_ItsConnectionsAreReset_TheOthersStay()
    {
        if (!await IsHereAsync())
        {
            return;
        }

        (string address, Node owner) = await AnnouncedAsync(six: false);
        await using LongConnections first = await LongConnections.OpenAsync(Cluster.Client, address, Count);
        Node next = await MoveAsync(address, owner);
        await using LongConnections second = await LongConnections.OpenAsync(Cluster.Client, address, Count);
        Assert.Equal(0, first.Broken);
        long cut = TimeProvider.System.GetTimestamp();
        owner.Host.Block();
        await Eventually.TrueAsync(() => first.Broken == Count, Soon, "resets", () => $"{first.Broken}: {first.FirstFailure}\n{Cluster.Programs.Tails()}");
        TimeSpan took = TimeProvider.System.GetElapsedTime(cut);

        Assert.Equal(0, second.Broken);
        Assert.Equal(0, await SumAsync(next, "loadbalancer_speaker_kernel_addresses_sent_on"));
        Figure($"former owner died: {Count} connections ended after {took.TotalSeconds:0.0} s");
        owner.Host.Unblock();
    }

    [Fact]
    public async Task NewOwnersSpeakerRestarts_NoConnectionBreaks()
    {
        if (!await IsHereAsync())
        {
            return;
        }

        (string address, Node owner) = await AnnouncedAsync(six: false);
        await using LongConnections first = await LongConnections.OpenAsync(Cluster.Client, address, Count);
        Node next = await MoveAsync(address, owner);
        await using LongConnections second = await LongConnections.OpenAsync(Cluster.Client, address, Count);
        foreach (bool kill in (bool[])[false, true])
        {
            ProgramProcess speaker = Cluster.Programs.Speaker(next);
            await (kill ? speaker.KillAsync() : speaker.StopAsync());
            ProgramProcess started = Cluster.Programs.StartSpeaker(next);
            await ClusterPrograms.WaitUntilReadyAsync(started);
            await OwnedByAsync(address, next);
            await HoldsForAsync(TimeSpan.FromSeconds(3), () => first.Broken + second.Broken == 0, $"{first.Broken} ({first.FirstFailure}), {second.Broken} ({second.FirstFailure}) broken");
        }
    }

    private async Task<(string Address, Node Owner)> AnnouncedAsync(bool six)
    {
        if (!six)
        {
            (_, string four, Node of) = await CreateAnnouncedServiceAsync();
            return (four, of);
        }

        await ChangeConfigAsync(UsualConfig.Replace(Lan.Pool, $"{Lan.Pool}, '{Lan.Pool6}'", StringComparison.Ordinal));
        string name = NewName();
        await CreateServiceAsync(name, new() { ["ipFamilyPolicy"] = "SingleStack", ["ipFamilies"] = new System.Text.Json.Nodes.JsonArray("IPv6") });
        string address = await Cluster.WaitForAddressAsync(name);
        return (address, await OwnerOnWire6Async(address));
    }

    private async Task<Node> MoveAsync(string address, Node from, bool six = false)
    {
        await LabelAsync(from, ExcludeLabel, "");
        return await Eventually.GetAsync(
            async () => (six ? await OwnerOnWire6Async(address) : await OwnerOnWireAsync(address)) is { } node && node != from ? node : null,
            Soon, "another owner", () => Cluster.Programs.Tails());
    }

    private async Task OwnedByAsync(string address, Node owner) => await Eventually.GetAsync(
        async () => await OwnerOnWireAsync(address) == owner ? "owner" : null, Soon, $"{owner.Name} to own {address}", () => Cluster.Programs.Tails());

    private async Task<Node> OwnerOnWire6Async(string address)
    {
        IReadOnlySet<string> macs = new HashSet<string>();
        return await Eventually.GetAsync(
            async () =>
            {
                await using NdpProbe probe = NdpProbe.Start(Cluster.Client, address, Interval);
                await Eventually.TrueAsync(() => probe.Now > TimeSpan.FromMilliseconds(330), Soon, "330 ms");
                macs = probe.Macs();
                return macs.Count == 1 ? NodeOf(macs.Single()) : null;
            },
            Soon, $"one node that answers for {address}", () => string.Join(", ", macs));
    }
}
