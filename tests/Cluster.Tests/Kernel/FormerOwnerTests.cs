using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Kernel;

/// <summary>What a former owner, or its speaker, may go through after a move, and the new one's.</summary>
public sealed class FormerOwnerTests(ClusterFixture fixture, ITestOutputHelper output) : ConnectionTest(fixture, output)
{
    // Also where the new owner's kernel would be silent, since it takes no segment for the beginning of a connection or drops what it does not know.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FormerOwnerDies_ItsConnectionsAreReset_TheOthersStay(bool strict)
    {
        (string address, Node owner) = await AnsweredByKernelAsync();
        await using LongConnections first = await OpenAsync(address);
        Node next = await MoveAsync(address, owner);
        await using LongConnections second = await OpenAsync(address);
        await StayAsync(first, second);
        if (strict)
        {
            MakeStrict(next);
        }

        owner.Host.Block();
        TimeSpan took = await BreakAsync(first);

        Assert.Equal(0, second.Broken);
        Assert.Equal(0, await SumAsync(next, "loadbalancer_speaker_kernel_addresses_sent_on"));
        Assert.True(await SumAsync(next, "loadbalancer_speaker_kernel_resets_total") > 0);
        Figure($"former owner died{(strict ? ", the new one without tcp_loose and dropping INVALID" : "")}: {Count} connections ended after {took.TotalSeconds:0.0} s");
    }

    [Fact]
    public async Task FormerOwnersSpeakerRestarts_NoConnectionBreaks_AndItsNodesShutdownResetsThem()
    {
        (string address, Node owner) = await AnsweredByKernelAsync();
        await using LongConnections first = await OpenAsync(address);
        await MoveAsync(address, owner);
        await using LongConnections second = await OpenAsync(address);
        await Cluster.Programs.Speaker(owner).StopAsync();
        await StartedAsync(owner);
        await StayAsync(first, second);

        await Cluster.Programs.Speaker(owner).StopAsync();
        await StayAsync(first, second);
        owner.Host.Block();
        TimeSpan took = await BreakAsync(first);
        Assert.Equal(0, second.Broken);
        Figure($"former owner shut down in order: {Count} connections ended {took.TotalSeconds:0.0} s after its kernel");
    }

    [Fact]
    public async Task NewOwnersSpeakerRestarts_NoConnectionBreaks()
    {
        (string address, Node owner) = await AnsweredByKernelAsync();
        await using LongConnections first = await OpenAsync(address);
        Node next = await MoveAsync(address, owner);
        await using LongConnections second = await OpenAsync(address);
        foreach (bool kill in (bool[])[false, true])
        {
            ProgramProcess speaker = Cluster.Programs.Speaker(next);
            await (kill ? speaker.KillAsync() : speaker.StopAsync());
            await StartedAsync(next);
            await OwnedByAsync(address, next);
            await StayAsync(first, second);
        }
    }

    // The kernel's connection tracking tells a speaker that starts which connections are its node's: else they would count as the other's when the
    // address is back.
    [Fact]
    public async Task ConnectionsBegunBeforeTheKernelTookPart_StayTheirNodes_ThereAndBack()
    {
        (string address, Node owner) = await AnsweredByKernelAsync();
        await Cluster.Programs.Speaker(owner).StopAsync();
        await StartedAsync(owner, "--kernel", "off");
        await OwnedByAsync(address, owner);
        await using LongConnections first = await OpenAsync(address);
        await Cluster.Programs.Speaker(owner).StopAsync();
        await StartedAsync(owner);
        await OwnedByAsync(address, owner);
        await Eventually.TrueAsync(
            () => Cluster.Programs.Speaker(owner).Tail(1000).Contains($"{Count} connections began before", StringComparison.Ordinal), Soon, $"{owner.Name} to know its connections",
            () => Cluster.Programs.Tails());

        await MoveAsync(address, owner);
        await using LongConnections second = await OpenAsync(address);
        await StayAsync(first, second);
        await MoveToAsync(address, owner);
        await StayAsync(first, second);
    }

    private static void MakeStrict(Node node)
    {
        ToolResult result = node.Host.Network.Try("sh", ["-c",
            """
            set -e
            sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
            for family in ip ip6; do
                nft add table $family strict
                nft "add chain $family strict seen { type filter hook prerouting priority -150; }"
                nft "add rule $family strict seen ct state invalid drop"
            done
            """]);
        Assert.True(result.ExitCode == 0, result.Errors);
    }
}
