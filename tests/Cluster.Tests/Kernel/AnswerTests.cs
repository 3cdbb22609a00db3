using System.Net;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Kernel;

/// <summary>The kernel answers by itself, and two never do.</summary>
public sealed class AnswerTests(ClusterFixture fixture, ITestOutputHelper output) : KernelTest(fixture, output)
{
    // The fence is half a second ahead of the last heartbeat of the loop; the rest is this machine's.
    private static readonly TimeSpan Fence = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(200);

    [Fact]
    public async Task Requests_AreAnsweredByTheKernel_OnceEach()
    {
        (string address, Node owner) = await AnsweredByKernelAsync();
        await using ArpProbe probe = ArpProbe.Start(Cluster.Client, address, Interval);
        await Eventually.TrueAsync(() => probe.Answers.Count(answer => answer.IsReply) >= 100, Soon, "a hundred answers");
        double asked = probe.Now / Interval;

        Assert.Equal([owner.Host.Mac], probe.Macs());
        Assert.InRange(probe.Answers.Count(answer => answer.IsReply), 0, asked * 1.05);
        Assert.True(await SumAsync(owner, "loadbalancer_speaker_kernel_answers_total") >= 100, FiltersAt(owner));
        Assert.Equal(1, ProgramsAt(owner));

        // The filter of the process's socket is there with the rights of the component and no others.
        await Eventually.GetAsync(
            async () => await SumAsync(owner, "loadbalancer_speaker_kernel_frames_hidden_total") > 0 ? "hidden" : null, Soon, "frames that the process does not see", () => Cluster.Programs.Tails());
    }

    // A tag without a VLAN is only a priority; what is of a VLAN is for its interface, which is a link of its own.
    [Fact]
    public async Task TaggedRequests_AreAnsweredByTheKernelWithAPriorityOnly_AndNotOfAVlan()
    {
        const int Count = 20;
        const string Asker = "192.168.96.77";
        (string address, Node owner) = await AnsweredByKernelAsync();
        using var socket = new PacketSocket(Cluster.Client, PacketSocket.Arp);
        int AskTagged(ushort tag)
        {
            byte[] request = ArpFrame.Request(Cluster.Client.Mac, Asker, address);
            byte[] frame = [.. request[..12], 0x81, 0x00, (byte)(tag >> 8), (byte)tag, .. request[12..]];
            for (int i = 0; i < Count; i++)
            {
                socket.Send(frame);
            }

            byte[] got = new byte[2048];
            int replies = 0;
            for (int length = socket.Receive(got, Quiet); length > 0; length = socket.Receive(got, Quiet))
            {
                replies += ArpFrame.Read(got.AsSpan(0, length)) is { Operation: 2 } && new IPAddress(got[38..42]).ToString() == Asker ? 1 : 0;
            }

            return replies;
        }

        double before = await SumAsync(owner, "loadbalancer_speaker_kernel_answers_total");
        Assert.Equal(0, AskTagged(0x6005));
        double between = await SumAsync(owner, "loadbalancer_speaker_kernel_answers_total");
        Assert.InRange(between - before, 0, Count - 1);
        await Eventually.GetAsync(
            async () => AskTagged(0x6000) >= Count && await SumAsync(owner, "loadbalancer_speaker_kernel_answers_total") - between >= Count ? "answered" : null,
            Soon, "answers to requests that have a priority", () => Cluster.Programs.Tails());
    }

    [Fact]
    public async Task SpeakerStopped_KernelIsSilentAfterTheFence_AndAnswersAgainWithIt()
    {
        // Without others there is no deputy whose answers would hide what the kernel does.
        (string address, Node owner) = await AnsweredByKernelAsync();
        foreach (Node other in Cluster.Nodes.Where(node => node != owner))
        {
            await Cluster.Programs.Speaker(other).StopAsync();
        }

        await using ArpProbe probe = ArpProbe.Start(Cluster.Client, address, Interval);
        await Eventually.TrueAsync(() => probe.Answers.Count > 10, Soon, "answers");
        Cluster.Programs.Speaker(owner).Pause();
        TimeSpan paused = probe.Now;
        await Eventually.TrueAsync(() => probe.Now > paused + Fence + TimeSpan.FromSeconds(1.5), Soon, "a second and a half past the fence");
        TimeSpan continued = probe.Now;
        TimeSpan last = probe.Answers.Where(answer => answer.IsReply && answer.At < continued).Max(answer => answer.At) - paused;
        Cluster.Programs.Speaker(owner).Continue();
        await Eventually.TrueAsync(() => probe.Macs(continued).Count > 0, Soon, "answers after the stop", () => Cluster.Programs.Tails());

        Assert.InRange(last, Slack, Fence + (2 * Slack));
        Figure($"speaker stopped: the kernel's last answer after {last.TotalMilliseconds:0} ms, the fence is at 450 to 500 ms");
    }

    [Fact]
    public async Task SpeakerUpgraded_NoSilence_OneAddress_AndOneProgram()
    {
        (Node owner, ArpProbe asking) = await AskedForAsync();
        await using ArpProbe probe = asking;
        TimeSpan before = probe.Now;
        await Cluster.Programs.Speaker(owner).StopAsync();
        Assert.Equal(1, ProgramsAt(owner));
        await StartedAsync(owner);
        TimeSpan silence = probe.LongestSilence(before);

        Assert.Equal([owner.Host.Mac], probe.Macs());
        Assert.Equal(1, ProgramsAt(owner));
        Assert.InRange(silence, TimeSpan.Zero, HardlyNoticed);
        Figure($"speaker upgraded: longest silence {silence.TotalMilliseconds:0} ms (asked every 20 ms)");
    }

    [Fact]
    public async Task SpeakerKilled_DeputyFollowsTheKernel_AndOneProgramIsLeftAfterTheRestart()
    {
        (Node owner, ArpProbe asking) = await AskedForAsync();
        await using ArpProbe probe = asking;
        TimeSpan before = probe.Now;
        await Cluster.Programs.Speaker(owner).KillAsync();
        await HoldsForAsync(TimeSpan.FromSeconds(3), () => probe.Macs(before).IsSubsetOf([owner.Host.Mac]), "nobody answers with another hardware address");
        TimeSpan silence = probe.LongestSilence(before);
        await StartedAsync(owner);

        Assert.Equal([owner.Host.Mac], probe.Macs());
        Assert.Equal(1, ProgramsAt(owner));
        Assert.InRange(silence, TimeSpan.Zero, FailedOver);
        Figure($"speaker killed: longest silence {silence.TotalMilliseconds:0} ms (asked every 20 ms)");
    }

    [Fact]
    public async Task SpeakerLeft_AddressMovesMeanwhile_KernelHearsIt_AndOneAnswers()
    {
        (string address, Node owner) = await AnsweredByKernelAsync();
        await Cluster.Programs.Speaker(owner).StopAsync();
        await using ArpProbe probe = ArpProbe.Start(Cluster.Client, address, Interval);
        await Eventually.TrueAsync(() => probe.Answers.Count(answer => answer.IsReply) > 10, Soon, "answers without the owner's speaker");
        await LabelAsync(owner, ExcludeLabel, "");
        Node next = await Eventually.GetAsync(
            async () => await OwnerOnWireAsync(address) is { } node && node != owner ? node : null, Soon, "another owner", () => Cluster.Programs.Tails());

        TimeSpan moved = probe.Now;
        await HoldsForAsync(TimeSpan.FromSeconds(3), () => probe.Macs(moved).All(mac => mac == next.Host.Mac), $"only {next.Name} answers");
        Figure($"moved while its owner's speaker was away: two answered for {probe.LongestDouble().TotalMilliseconds:0} ms");
    }

    [Fact]
    public async Task SpeakerLeft_NodeCutOff_AndTheCutHeals_OneAnswers()
    {
        (string address, Node owner) = await AnsweredByKernelAsync();
        await Cluster.Programs.Speaker(owner).StopAsync();
        owner.Host.Block();
        Node next = await OwnerOnWireAsync(address);
        Assert.NotEqual(owner, next);

        // Past the last of the new owner's announcements, so that only the silence of the others tells the kernel.
        await using ArpProbe probe = ArpProbe.Start(Cluster.Client, address, Interval);
        await HoldsForAsync(TimeSpan.FromSeconds(6), () => probe.Macs().IsSubsetOf([next.Host.Mac]), $"only {next.Name} answers behind the cut");
        owner.Host.Unblock();
        await HoldsForAsync(TimeSpan.FromSeconds(3), () => probe.Macs().All(mac => mac == next.Host.Mac), $"only {next.Name} answers");

        Assert.Equal([next.Host.Mac], probe.Macs());
    }

    [Fact]
    public async Task ProgramTakenAway_ProcessAnswers_AndItComesBack()
    {
        (Node owner, ArpProbe asking) = await AskedForAsync();
        await using ArpProbe probe = asking;
        TimeSpan before = probe.Now;
        Tc(owner, "qdisc del dev eth0 clsact");
        Assert.Equal(0, ProgramsAt(owner));
        await Eventually.TrueAsync(() => ProgramsAt(owner) == 1, Soon, "the program to be back", () => Cluster.Programs.Tails());

        Assert.Equal([owner.Host.Mac], probe.Macs());
        Assert.InRange(probe.LongestSilence(before), TimeSpan.Zero, HardlyNoticed);
    }

    [Fact]
    public async Task AnothersFilter_StaysWhereItIs_AndWhatIsLeftBehind_IsRemovedByTheDocumentedCommand()
    {
        await RequireKernelAsync();
        // One that counts and lets everything on; the kernel says by itself that it was there first.
        const string Others = "bpf chain 0 handle 0x1";
        Node node = Cluster.Nodes[0];
        await Eventually.TrueAsync(() => ProgramsAt(node) == 1, Soon, "the program, and with it the place for others", () => Cluster.Programs.Tails());
        node.Host.Network.Try("tc", ["filter", "add", "dev", "eth0", "ingress", "pref", "7", "handle", "1", "protocol", "all", "bpf", "bytecode", "1,6 0 0 0"]);
        Assert.Contains(Others, FiltersAt(node), StringComparison.Ordinal);
        await Cluster.Programs.Speaker(node).KillAsync();
        await StartedAsync(node);
        Assert.Contains(Others, FiltersAt(node), StringComparison.Ordinal);
        Assert.Equal(1, ProgramsAt(node));
        Assert.True(
            FiltersAt(node).IndexOf("0x1", StringComparison.Ordinal) < FiltersAt(node).IndexOf("0x4c42", StringComparison.Ordinal), FiltersAt(node));

        await Cluster.Programs.Speaker(node).StopAsync();
        Assert.Equal(1, ProgramsAt(node));
        ToolResult removed = node.Host.Network.Try("sh", ["-c", RemoveCommand()]);
        Assert.True(removed.ExitCode == 0, removed.Errors);
        Assert.Equal(0, ProgramsAt(node));
        Assert.Contains(Others, FiltersAt(node), StringComparison.Ordinal);
    }

    private static string RemoveCommand()
    {
        string page = File.ReadAllText(Path.Combine(ProgramFile.Root, "docs/kernel.md"));
        string block = page[page.IndexOf("<!-- remove -->", StringComparison.Ordinal)..];
        return block.Split("```")[1]["sh".Length..].Trim();
    }
}
