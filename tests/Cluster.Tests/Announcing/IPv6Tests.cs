using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Announcing;

/// <summary>IPv6 addresses on the wire of a dual-stack cluster.</summary>
public sealed class IPv6Tests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private const string StrangersAddress = "192.168.96.61";

    private const string DualStackConfig =
        $"""
        address-pools:
        - name: default
          protocol: layer2
          addresses: [{Lan.Pool}, '{Lan.Pool6}']
        """;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await ChangeConfigAsync(DualStackConfig);
    }

    [Fact]
    public async Task IPv6Service_IsReached_AndExactlyOneMacAnswersSolicitations()
    {
        (string name, string address, Node owner) = await CreateAnnouncedIPv6ServiceAsync();

        await using NdpProbe probe = NdpProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => probe.Now > TimeSpan.FromSeconds(1), Soon, "a second");
        Assert.Equal([owner.Host.Mac], probe.Macs());
        Assert.All(probe.Answers.Where(answer => answer.IsReply), answer => Assert.True(answer.Override));
        Node named = await Eventually.GetAsync(() => NodeInEventAsync(name), Soon, "an Event nodeAssigned");
        Assert.Equal(owner.Name, named.Name);
        Figure($"{address}: {probe.Answers.Count} answers in 1 s, all by {owner.Name}");
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Solicitation_WithoutLinkLayerOptionOrByUnicast_IsAnsweredToTheAsker(bool unicast, bool withOption)
    {
        (_, string address, Node owner) = await CreateAnnouncedIPv6ServiceAsync();
        byte[] solicitation = NdpFrame.Solicitation(
            Cluster.Client.Mac, Cluster.Client.Address6, address, to: unicast ? owner.Host.Mac : null, withOption: withOption);
        using var socket = new PacketSocket(Cluster.Client, PacketSocket.IPv6);

        var answer = await AskAsync(socket, solicitation, address);

        Assert.Equal((owner.Host.Mac, true, true, Cluster.Client.Address6), (answer.Mac, answer.Solicited, answer.Override, answer.Destination));
    }

    [Fact]
    public async Task OwnersNodeGone_TheAddressIsAnsweredElsewhere_AndClientsFollow()
    {
        (_, string address, Node owner) = await CreateAnnouncedIPv6ServiceAsync();
        await using NdpProbe ndp = NdpProbe.Start(Cluster.Client, address);
        await using ConnectProbe probe = ConnectProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => probe.SucceededSince(default) && ndp.Answers.Count > 0, Soon, "a connection");
        TimeSpan before = probe.Now, beforeNdp = ndp.Now;

        owner.Host.Unplug();
        // An attempt begun before now may still have reached the lost node.
        TimeSpan cut = probe.Now, cutNdp = ndp.Now;
        await Eventually.TrueAsync(
            () => probe.SucceededSince(cut) && ndp.Macs(cutNdp).Any(mac => mac != owner.Host.Mac), Soon, "a connection elsewhere", () => Cluster.Programs.Tails());

        TimeSpan gap = probe.LongestGap(before), silence = ndp.LongestSilence(beforeNdp);
        Node now = NodeOf(ndp.Macs(cutNdp).Single(mac => mac != owner.Host.Mac))!;
        Figure($"cable pulled: longest time without an IPv6 connect {gap.TotalMilliseconds:0} ms, without an advertisement {silence.TotalMilliseconds:0} ms, {owner.Name} to {now.Name}");
        Assert.InRange(gap, TimeSpan.Zero, FailedOver);
        await Eventually.TrueAsync(() => now.Host.Groups().Contains(GroupOf(address)), Soon, "the group joined by the new owner");
        Assert.Contains(ndp.Answers, answer => answer is { IsReply: false, Override: true } && answer.At > beforeNdp && answer.Mac == now.Host.Mac);
        Assert.Equal(now.Host.Mac, Cluster.Client.Neighbour(address));

        owner.Host.Plug();
        await OwnerByNdpAsync(address);
    }

    [Fact]
    public async Task SolicitedNodeGroup_IsJoinedWhileAnAddressNeedsIt_AndLeftAfterTheLast()
    {
        (string name, string address, Node owner) = await CreateAnnouncedIPv6ServiceAsync();
        await Eventually.TrueAsync(() => owner.Host.Groups().Contains(GroupOf(address)), Soon, $"{owner.Name} in the group of {address}");
        foreach (Node other in Cluster.Nodes.Where(node => node != owner))
        {
            Assert.DoesNotContain(GroupOf(address), other.Host.Groups());
        }

        await Cluster.Api.DeleteAsync(ServicePath(name));
        await Eventually.TrueAsync(() => !owner.Host.Groups().Contains(GroupOf(address)), Soon, "the group left");
    }

    [Fact]
    public async Task LinkThatFlaps_IsInTheGroupAgain_AndAnswers()
    {
        (string address, Node owner) = await CreateLocalServiceAsync();
        owner.Host.LinkDown();
        await Eventually.TrueAsync(() => !owner.Host.Groups().Contains(GroupOf(address)), Soon, "the group left with the link");

        owner.Host.LinkUp();

        Assert.Equal(owner.Name, (await OwnerByNdpAsync(address)).Name);
        await Eventually.TrueAsync(() => owner.Host.Groups().Contains(GroupOf(address)), Soon, "the group joined again");
        await PageAsync(address);
    }

    [Fact]
    public async Task MalformedSolicitations_AreNotAnswered_AProperOneIs()
    {
        (_, string address, _) = await CreateAnnouncedIPv6ServiceAsync();
        Host stranger = Stranger();
        byte[] proper = NdpFrame.Solicitation(stranger.Mac, stranger.Address6, address);
        await using var answers = new AdvertisementLog(stranger, address);
        using var socket = new PacketSocket(stranger, PacketSocket.IPv6);

        foreach (byte[] frame in Malformed(proper))
        {
            socket.Send(frame);
        }

        // What was sent before the proper one has been looked at once that one is answered.
        socket.Send(proper);
        await Eventually.TrueAsync(() => answers.Count > 0, Soon, "the answer to the proper solicitation");
        await HoldsForAsync(TimeSpan.FromMilliseconds(200), () => true, "a moment for late answers");
        Assert.Equal(1, answers.Count);
        await OwnerByNdpAsync(address);
    }

    [Fact]
    public async Task StrangersDuplicateAddressDetectionOfAVip_IsDefended()
    {
        (_, string address, _) = await CreateAnnouncedIPv6ServiceAsync();
        Host stranger = Stranger();
        try
        {
            stranger.AddAddress(address, detectDuplicates: true);
            await Eventually.TrueAsync(
                () => stranger.AddressState(address).Contains("dadfailed", StringComparison.Ordinal), Soon, "dadfailed", () => stranger.AddressState(address));
        }
        finally
        {
            stranger.RemoveAddress(address);
        }
    }

    [Fact]
    public async Task FreeAddress_PassesDuplicateAddressDetection()
    {
        await CreateAnnouncedIPv6ServiceAsync();
        Host stranger = Stranger();
        const string Free = "fd00:96::1:fe";
        try
        {
            stranger.AddAddress(Free, detectDuplicates: true);
            await Eventually.TrueAsync(
                () => stranger.AddressState(Free) is var state && !state.Contains("tentative", StringComparison.Ordinal), Soon, "the address in use", () => stranger.AddressState(Free));
            Assert.DoesNotContain("dadfailed", stranger.AddressState(Free), StringComparison.Ordinal);
        }
        finally
        {
            stranger.RemoveAddress(Free);
        }
    }

    [Fact]
    public async Task DualStackService_HasBothAddressesFromOneNode_AndBothServe()
    {
        string name = NewName();
        await CreateServiceAsync(name, new JsonObject { ["ipFamilyPolicy"] = "RequireDualStack" });
        IReadOnlyList<string> addresses = await Eventually.GetAsync(
            () => Task.FromResult(Cluster.Addresses(name) is { Count: 2 } both ? both : null), Soon, "two addresses", () => Cluster.Programs.Tails());
        string four = addresses.Single(address => !Lan.IsIPv6(address)), six = addresses.Single(Lan.IsIPv6);

        Node owner = await OwnerOnWireAsync(four), owner6 = await OwnerByNdpAsync(six);

        Assert.Equal(owner.Name, owner6.Name);
        Assert.StartsWith("hello from web-", await PageAsync(four), StringComparison.Ordinal);
        Assert.StartsWith("hello from web-", await PageAsync(six), StringComparison.Ordinal);

        // Elsewhere together as well.
        owner.Host.Unplug();
        Node next = await Eventually.GetAsync(
            async () => await OwnerOnWireAsync(four) is var found && found != owner ? found : null, Soon, "another owner");
        Node next6 = await Eventually.GetAsync(
            async () => await OwnerByNdpAsync(six) is var found && found != owner ? found : null, Soon, "another owner by IPv6");
        Assert.Equal(next.Name, next6.Name);
        owner.Host.Plug();
    }

    [Fact]
    public async Task SharedIPv6Address_IsAnnouncedFromOneNode_AndServesEachPort()
    {
        var sharing = new JsonObject { ["metallb.universe.tf/allow-shared-ip"] = "together" };
        string first = NewName(), second = NewName();
        await CreateServiceAsync(first, new JsonObject { ["ipFamilies"] = new JsonArray("IPv6") }, sharing);
        string address = await Cluster.WaitForAddressAsync(first);
        await CreateServiceAsync(
            second,
            new JsonObject { ["ipFamilies"] = new JsonArray("IPv6"), ["ports"] = new JsonArray(new JsonObject { ["port"] = 8080, ["targetPort"] = 8080 }) },
            sharing);

        Assert.Equal(address, await Cluster.WaitForAddressAsync(second));
        await OwnerByNdpAsync(address);
        await PageAsync(address);
        await PageAsync(address, 8080);
    }

    [Fact]
    public async Task LocalPolicyByIPv6_IsAnnouncedWhereAPodServes_AndKeepsTheClientsAddress()
    {
        (string address, _) = await CreateLocalServiceAsync();

        await PageAsync(address);
        using HttpClient http = Cluster.Client.Http(Soon);
        using HttpResponseMessage response = await http.GetAsync(new Uri($"http://[{address}]/"), Cancel);
        Assert.Equal(Cluster.Client.Address6, response.Headers.GetValues("X-Client").Single());
    }

    [Fact]
    public async Task Metrics_TellTheGroupsAndCountTheAnswers()
    {
        (_, string address, Node owner) = await CreateAnnouncedIPv6ServiceAsync();

        ProgramProcess speaker = Cluster.Programs.Speaker(owner);
        string metrics = await Eventually.GetAsync(
            async () => await ClusterPrograms.GetAsync(speaker, "metrics") is (true, var body)
                && body.Contains("loadbalancer_speaker_multicast_groups{link=\"eth0\"} 1", StringComparison.Ordinal) ? body : null,
            Soon, "the group in the metrics");
        Assert.Contains("loadbalancer_speaker_multicast_groups_missing{link=\"eth0\"} 0", metrics, StringComparison.Ordinal);
        Assert.Contains("loadbalancer_speaker_frames_dropped_total{link=\"eth0\",reason=\"ndp_hop_limit\"} ", metrics, StringComparison.Ordinal);
        Assert.NotEmpty(address);
    }

    private static IEnumerable<byte[]> Malformed(byte[] proper)
    {
        byte[] With(int index, byte value)
        {
            byte[] frame = [.. proper];
            frame[index] = value;
            return NdpFrame.Seal(frame);
        }

        for (int length = 14; length < proper.Length; length++)
        {
            yield return proper[..length];
        }

        yield return With(21, 64);    // hop limit: it came through a router
        yield return With(55, 1);     // ICMPv6 code
        yield return With(78 + 1, 0); // option length
        yield return With(78 + 1, 2);
        yield return With(62, 0xff);  // target
        yield return With(22, 0xff);  // source
        byte[] unspecified = [.. proper];
        unspecified.AsSpan(22, 16).Clear(); // duplicate address detection has no link-layer option
        yield return NdpFrame.Seal(unspecified);
        byte[] wrongSum = [.. proper];
        wrongSum[56] ^= 0x55;
        yield return wrongSum;
    }

    private static string GroupOf(string address)
    {
        byte[] octets = System.Net.IPAddress.Parse(address).GetAddressBytes();
        return $"ff0200000000000000000001ff{Convert.ToHexStringLower(octets, 13, 3)}";
    }

    private static async Task<(string Target, string Mac, bool Solicited, bool Override, string Destination)> AskAsync(
        PacketSocket socket, byte[] solicitation, string address)
    {
        using var patience = new CancellationTokenSource(Soon, TimeProvider.System);
        byte[] frame = new byte[2048];
        socket.Send(solicitation);
        while (true)
        {
            int length = await socket.ReceiveAsync(frame, patience.Token);
            if (NdpFrame.ReadAdvertisement(frame.AsSpan(0, length)) is { Solicited: true } answer && answer.Target == address)
            {
                return answer;
            }
        }
    }

    private Host Stranger() => Cluster.Switch.Hosts.FirstOrDefault(host => host.Name == "stranger6") ?? Cluster.Switch.Connect("stranger6", StrangersAddress);

    private async Task<(string Name, string Address, Node Owner)> CreateAnnouncedIPv6ServiceAsync()
    {
        string name = NewName();
        await CreateServiceAsync(name, new JsonObject { ["ipFamilies"] = new JsonArray("IPv6") });
        string address = await Cluster.WaitForAddressAsync(name);
        Assert.True(Lan.IsIPv6(address), address);
        Node owner = await OwnerByNdpAsync(address);
        await PageAsync(address);
        return (name, address, owner);
    }

    /// <summary>A Service whose only pod is on the third node, and whose policy lets only that node have the address.</summary>
    private async Task<(string Address, Node Owner)> CreateLocalServiceAsync()
    {
        string name = NewName("local6");
        await Cluster.DeployAsync(name, [Cluster.Nodes[2]]);
        await CreateServiceAsync(name, new JsonObject
        {
            ["ipFamilies"] = new JsonArray("IPv6"),
            ["externalTrafficPolicy"] = "Local",
            ["selector"] = new JsonObject { ["app"] = name },
        });
        string address = await Cluster.WaitForAddressAsync(name);
        Assert.Equal(Cluster.Nodes[2].Name, (await OwnerByNdpAsync(address)).Name);
        return (address, Cluster.Nodes[2]);
    }

    private Task<string> PageAsync(string address, int port = 80) => Eventually.GetAsync(
        async () =>
        {
            try
            {
                return await GetPageAsync(Cluster.Client, address, port);
            }
            catch (Exception notYet) when (notYet is HttpRequestException or OperationCanceledException)
            {
                // A connection begun before the proxy knew the address stays without a translation for good.
                return null;
            }
        },
        Soon, $"a page from {address}, port {port}");

    /// <summary>The node whose hardware address alone answers solicitations for an address over a third of a second.</summary>
    private Task<Node> OwnerByNdpAsync(string address) => NdpOwner.FindAsync(Cluster, address, Soon);

    /// <summary>Counts the solicited advertisements for one address that reach a host.</summary>
    private sealed class AdvertisementLog : IAsyncDisposable
    {
        private readonly PacketSocket _socket;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _task;
        private int _count;

        internal AdvertisementLog(Host host, string address)
        {
            _socket = new PacketSocket(host, PacketSocket.IPv6);
            _task = ListenAsync(address);
        }

        internal int Count => Volatile.Read(ref _count);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _task;
            _socket.Dispose();
            _stop.Dispose();
        }

        private async Task ListenAsync(string address)
        {
            byte[] frame = new byte[2048];
            try
            {
                while (true)
                {
                    int length = await _socket.ReceiveAsync(frame, _stop.Token);
                    if (NdpFrame.ReadAdvertisement(frame.AsSpan(0, length)) is { } advertisement && advertisement.Target == address && advertisement.Solicited)
                    {
                        Interlocked.Increment(ref _count);
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // Enough.
            }
        }
    }
}
