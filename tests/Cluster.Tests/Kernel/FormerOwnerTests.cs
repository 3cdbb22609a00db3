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
        if (strict)
        {
            MakeStrict(next);
        }

        Assert.Equal(0, first.Broken);
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

    // What began without the program is known from the kernel's own connection tracking.
    [Fact]
    public async Task ConnectionsFromBeforeTheKernelTookPart_OutlastThatTheAddressMovesAwayAndBack()
    {
        (string address, Node owner) = await AnsweredByKernelAsync();
        await Cluster.Programs.Speaker(owner).StopAsync();
        await StartedAsync(owner, "--kernel", "off");
        await OwnedByAsync(address, owner);
        Assert.Equal(0, ProgramsAt(owner));
        await using LongConnections first = await OpenAsync(address);
        await Cluster.Programs.Speaker(owner).StopAsync();
        await StartedAsync(owner);
        await OwnedByAsync(address, owner);
        await AnswersFromKernelAsync(owner);
        first.Idle = true;
        await MoveAsync(address, owner);
        await MoveToAsync(address, owner);
        first.Idle = false;
        await StayAsync(first);
    }

    // Cut off it was, not lost: its kernel has its connections still, and whoever has not noticed need not.
    [Fact]
    public async Task OwnerCutOff_AndTheCutHeals_ConnectionsOfBothPartsStay()
    {
        (string address, Node owner) = await AnsweredByKernelAsync();
        await using LongConnections first = await OpenAsync(address);
        first.Idle = true;
        owner.Host.Block();
        Node next = await MovedAsync(address, owner);
        await using LongConnections second = await OpenAsync(address);
        owner.Host.Unblock();
        await Eventually.TrueAsync(() => first.Broken + second.Broken == 0, Soon, "no connection broken");
        await OwnedByAsync(address, next);
        await Eventually.GetAsync(
            async () => await SumAsync(next, "loadbalancer_speaker_kernel_addresses_sent_on") > 0 ? "sent on" : null, Soon, $"{owner.Name} to be known as the former owner again");
        first.Idle = false;
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
