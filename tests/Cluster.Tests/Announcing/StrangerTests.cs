using System.Net;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Announcing;

/// <summary>A host that is not of the cluster has an address of the pool: one that a Service has, or a free one.</summary>
public sealed class StrangerTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private const string StrangersAddress = "192.168.96.66";

    private const string DualStackConfig =
        $"""
        address-pools:
        - name: default
          protocol: layer2
          addresses: [{Lan.Pool}, '{Lan.Pool6}']
        """;

    private static readonly TimeSpan DefendInterval = TimeSpan.FromSeconds(10);

    // Three looks of three probes, which take turns with the free addresses for the one frame a second there is.
    private static readonly TimeSpan UntilFree = TimeSpan.FromSeconds(60);

    // What is published is written a second later at the latest.
    private static readonly TimeSpan HandOver = TimeSpan.FromSeconds(14);

    private bool _dualStack;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await StopSpeakersAsync();
        foreach (Node node in Cluster.Nodes)
        {
            Cluster.Programs.StartSpeaker(node, "--probe-interval", "5s");
        }

        await Cluster.Programs.WaitUntilReadyAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await base.DisposeAsync();
        await StopSpeakersAsync();
    }

    [Fact]
    public async Task StrangerOnAVip_OfEitherFamily_IsDefendedAndToldAtItsFirstFrame_AndDefendedOnceInTenSeconds()
    {
        // Two that no other test wants: they count as taken for a while yet.
        string[] addresses = ["192.168.96.147", "fd00:96::1:77"];
        await UseBothFamiliesAsync();
        string name = NewName();
        await CreateServiceAsync(
            name,
            new JsonObject { ["ipFamilyPolicy"] = "RequireDualStack" },
            new JsonObject { ["metallb.universe.tf/loadBalancerIPs"] = string.Join(',', addresses) });
        await Cluster.WaitForAddressAsync(name);
        Node owner = await OwnerOfAsync(addresses[0]);

        // Alone: on a machine short of CPU the address would move, and be announced anew by whoever gets it.
        await StopSpeakersAsync(except: owner);
        await Task.WhenAll(addresses.Select(address => IsDefendedAsync(name, address, owner)));
        Assert.Contains("loadbalancer_speaker_address_conflicts{link=\"eth0\"} 2", (await ClusterPrograms.GetAsync(Cluster.Programs.Speaker(owner), "metrics")).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("IPv4")]
    [InlineData("IPv6")]
    public async Task StrangerOnAFreeAddress_IsFoundByProbing_PassedOver_RefusedOnRequest_AndReleasedWhenGone(string family)
    {
        string first = await Cluster.WaitForAddressAsync(await CreateServiceOfAsync(family));
        string taken = Following(first, 2);
        Host stranger = Stranger();
        await using ClaimLog clock = new(Cluster.Client, taken, [stranger.Mac]);
        stranger.AddAddress(taken);
        TimeSpan found;
        try
        {
            TimeSpan began = clock.Now;
            await Eventually.GetAsync(() => SkippedAsync(taken), UntilFree, $"{taken} passed over", () => Cluster.Programs.Tails());
            found = clock.Now - began;

            var given = new List<string>();
            for (int number = 0; number < 3; number++)
            {
                given.Add(await Cluster.WaitForAddressAsync(await CreateServiceOfAsync(family)));
            }

            Assert.Equal([Following(first, 1), Following(first, 3), Following(first, 4)], given);

            string asking = await CreateServiceOfAsync(family, new JsonObject { ["loadBalancerIP"] = taken });
            string message = await Eventually.GetAsync(() => Cluster.LastEventAsync(asking, "AllocationFailed"), Soon, "an Event AllocationFailed", () => Cluster.Programs.Tails());
            Assert.Contains(stranger.Mac, message, StringComparison.Ordinal);
            Assert.Contains("AddressExcluded", message, StringComparison.Ordinal);
            Assert.Empty(Cluster.Addresses(asking));

            TimeSpan gone = clock.Now;
            stranger.RemoveAddress(taken);
            Assert.Equal(taken, await Cluster.WaitForAddressAsync(asking, within: UntilFree));
            Figure($"{taken}: passed over {found.TotalSeconds:0.0} s after the stranger took it, asked for and refused with \"{message}\", "
                + $"given {(clock.Now - gone).TotalSeconds:0.0} s after the stranger was gone (three looks unanswered)");
        }
        finally
        {
            TryRemove(stranger, taken);
        }
    }

    [Fact]
    public async Task StrangerOnTheAddressOfAService_TakesItNotAway_AndOnceTheServiceIsGoneNobodyGetsIt()
    {
        (string name, string address, _) = await CreateAnnouncedServiceAsync();
        Host stranger = Stranger();
        using var socket = new PacketSocket(stranger, PacketSocket.Arp);
        stranger.AddAddress(address);
        try
        {
            socket.Send(ArpFrame.Request(stranger.Mac, address, Lan.Router));
            // What the former run of a speaker published stays for its first ten seconds.
            await Eventually.GetAsync(() => SkippedAsync(address), 3 * Soon, $"{address} passed over", () => Cluster.Programs.Tails());
            Assert.Equal([address], Cluster.Addresses(name));

            await Cluster.Api.DeleteAsync(ServicePath(name));
            string next = NewName();
            await CreateServiceAsync(next);
            Assert.NotEqual(address, await Cluster.WaitForAddressAsync(next));

            // By then the node that had the address has left it to the one that probes.
            await HoldsForAsync(HandOver, async () => await SkippedAsync(address) is not null, $"{address} passed over");
        }
        finally
        {
            TryRemove(stranger, address);
        }

        await Eventually.GetAsync(async () => await SkippedAsync(address) is null ? "free" : null, UntilFree, $"{address} free again", () => Cluster.Programs.Tails());
    }

    private async Task IsDefendedAsync(string name, string address, Node owner)
    {
        Host stranger = Stranger();
        await using ClaimLog claims = new(Cluster.Client, address, [owner.Host.Mac]);
        await Eventually.TrueAsync(() => claims.Now > TimeSpan.FromSeconds(3) + claims.Last, 3 * Soon, "the end of the announcements");
        using var socket = new PacketSocket(stranger, EtherType(address));
        byte[] claim = Claim(stranger, address);

        TimeSpan began = claims.Now;
        socket.Send(claim);
        await Eventually.TrueAsync(() => claims.Last > began, Soon, "the defence", () => Cluster.Programs.Tails());
        TimeSpan defended = claims.Last - began;
        string message = await Eventually.GetAsync(() => ConflictAsync(name, address), Soon, $"an Event AddressConflict of {address}", () => Cluster.Programs.Tails());
        TimeSpan told = claims.Now - began;

        Assert.Contains(stranger.Mac, message, StringComparison.Ordinal);
        Assert.Contains("DHCP", message, StringComparison.Ordinal);
        int sent = 1;
        await Eventually.TrueAsync(
            () =>
            {
                socket.Send(claim);
                sent++;
                return claims.Now - began > 1.2 * DefendInterval;
            },
            3 * DefendInterval, "12 s of claims");
        TimeSpan[] defences = [.. claims.Since(began)];
        Assert.NotNull(await ConflictAsync(name, address));
        Figure($"{address}: defended {defended.TotalMilliseconds:0.0} ms after the first frame, Event after {told.TotalMilliseconds:0} ms; "
            + $"{sent} frames of the stranger in 12 s: defended at {string.Join(", ", defences.Select(at => $"{(at - began).TotalSeconds:0.0} s"))}");
        Assert.Equal(2, defences.Length);
        Assert.InRange(defences[1] - defences[0], 0.99 * DefendInterval, TimeSpan.MaxValue);
    }

    /// <summary>The message of the one Event AddressConflict about an address; null while there is none.</summary>
    private async Task<string?> ConflictAsync(string service, string address)
    {
        string[] messages =
        [
            .. (await Cluster.EventsAsync(service)).Where(entry => (string?)entry["reason"] == "AddressConflict").Select(entry => (string)entry["message"]!)
                .Where(message => message.Contains(address, StringComparison.Ordinal)),
        ];
        Assert.InRange(messages.Length, 0, 1);
        return messages.FirstOrDefault();
    }

    private static async Task HoldsForAsync(TimeSpan duration, Func<Task<bool>> condition, string what)
    {
        long start = TimeProvider.System.GetTimestamp();
        await Eventually.GetAsync(
            async () => !await condition() ? throw new InvalidOperationException($"no longer so: {what}")
                : TimeProvider.System.GetElapsedTime(start) >= duration ? "so" : null,
            duration + Soon, what);
    }

    private static string Following(string address, int offset)
    {
        byte[] octets = IPAddress.Parse(address).GetAddressBytes();
        octets[^1] += (byte)offset;
        return new IPAddress(octets).ToString();
    }

    private static ushort EtherType(string address) => Lan.IsIPv6(address) ? PacketSocket.IPv6 : PacketSocket.Arp;

    /// <summary>What a host sends that uses an address: it asks for the router, or advertises itself.</summary>
    private static byte[] Claim(Host host, string address) =>
        Lan.IsIPv6(address) ? NdpFrame.Advertisement(host.Mac, address) : ArpFrame.Request(host.Mac, address, Lan.Router);

    private async Task<string> CreateServiceOfAsync(string family, JsonObject? spec = null)
    {
        if (family == "IPv6")
        {
            await UseBothFamiliesAsync();
        }

        spec ??= [];
        spec["ipFamilyPolicy"] = "SingleStack";
        spec["ipFamilies"] = new JsonArray(family);
        string name = NewName();
        await CreateServiceAsync(name, spec);
        return name;
    }

    private async Task UseBothFamiliesAsync()
    {
        if (!_dualStack)
        {
            await ChangeConfigAsync(DualStackConfig);
            _dualStack = true;
        }
    }

    private Task<Node> OwnerOfAsync(string address) =>
        Lan.IsIPv6(address) ? NdpOwner.FindAsync(Cluster, address, Soon) : OwnerOnWireAsync(address);

    private static void TryRemove(Host stranger, string address)
    {
        if (stranger.AddressState(address).Length > 0)
        {
            stranger.RemoveAddress(address);
        }
    }

    private Host Stranger() => Cluster.Switch.Hosts.FirstOrDefault(host => host.Name == "stranger") ?? Cluster.Switch.Connect("stranger", StrangersAddress);

    /// <summary>What the leader's metrics say of addresses in quarantine, if the address is named in a Lease and the controller knows; else null.</summary>
    private async Task<string?> SkippedAsync(string address)
    {
        JsonObject leases = await Cluster.Api.GetAsync($"/apis/coordination.k8s.io/v1/namespaces/{LocalCluster.Cluster.SystemNamespace}/leases");
        string published = string.Join(',', leases["items"]!.AsArray().Select(lease => (string?)lease!["metadata"]!["annotations"]?["loadbalancer/taken"] ?? ""));
        Node? leader = await LeaderAsync();
        string metrics = leader is null ? "" : (await ClusterPrograms.GetAsync(Cluster.Programs.Controller(leader), "metrics")).Body;
        return published.Contains($"{address}=", StringComparison.Ordinal)
            && metrics.Contains("loadbalancer_pool_addresses_excluded{pool=\"default\",reason=\"Quarantined\"}", StringComparison.Ordinal) ? published : null;
    }

    private async Task StopSpeakersAsync(Node? except = null)
    {
        foreach (Node node in Cluster.Nodes.Where(node => node != except))
        {
            if (Cluster.Programs.Running.TryGetValue($"speaker-{node.Name}", out ProgramProcess? speaker) && !speaker.HasExited)
            {
                await speaker.StopAsync();
            }
        }
    }

    /// <summary>When one of some hosts claimed an address in a frame to everybody.</summary>
    private sealed class ClaimLog : IAsyncDisposable
    {
        private readonly PacketSocket _socket;
        private readonly CancellationTokenSource _stop = new();
        private readonly System.Collections.Concurrent.ConcurrentQueue<TimeSpan> _claims = new();
        private readonly long _start = TimeProvider.System.GetTimestamp();
        private readonly Task _task;

        internal ClaimLog(Host host, string address, IEnumerable<string> macs)
        {
            _socket = new PacketSocket(host, EtherType(address));
            _task = ListenAsync(address, [.. macs]);
        }

        internal TimeSpan Now => TimeProvider.System.GetElapsedTime(_start);

        internal TimeSpan Last => _claims.LastOrDefault();

        internal IEnumerable<TimeSpan> Since(TimeSpan moment) => _claims.Where(at => at > moment);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _task;
            _socket.Dispose();
            _stop.Dispose();
        }

        private static (string Address, string Mac)? ReadClaim(ReadOnlySpan<byte> frame) =>
            ArpFrame.Read(frame) is { } arp ? (arp.SenderIp, arp.SenderMac)
            : NdpFrame.ReadAdvertisement(frame) is { } ndp ? (ndp.Target, ndp.Mac)
            : null;

        private async Task ListenAsync(string address, HashSet<string> macs)
        {
            byte[] frame = new byte[2048];
            try
            {
                while (true)
                {
                    int length = await _socket.ReceiveAsync(frame, _stop.Token);
                    if ((frame[0] & 1) != 0 && ReadClaim(frame.AsSpan(0, length)) is { } claim && claim.Address == address && macs.Contains(claim.Mac))
                    {
                        _claims.Enqueue(Now);
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
