using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.Cluster.Tests.Announcing;

/// <summary>Nodes with more than one interface: on which of them an address is answered, and that it is never two.</summary>
public sealed class SeveralInterfacesTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    protected override bool LeavesTraces => true;

    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(2);
    private readonly List<Card> _cards = [];

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _cards.ForEach(card => card.Dispose());
        await base.DisposeAsync();
    }

    [Fact]
    public async Task TwoCardsOnOneLan_OneAnswers_TheOneThePoolNames()
    {
        PlugAll(node => Card.Plug(node.Host, "eth1", Second(node)));
        await ChangeConfigAsync(Pool("interfaces: [eth1]"));
        (string name, string address) = await CreateAsync();
        string mac = await OnlyMacAsync(Cluster.Client, address, _cards.Select(card => card.Mac));
        Assert.Contains("hello from", await GetPageAsync(Cluster.Client, address), StringComparison.Ordinal);
        Assert.NotNull(await Eventually.GetAsync(() => Cluster.LastEventAsync(name, "nodeAssigned"), Soon, "an Event nodeAssigned"));

        // The same node goes on with its other card, announced.
        int owner = _cards.FindIndex(card => card.Mac == mac);
        await ChangeConfigAsync(Pool(""));
        Assert.Equal(Cluster.Nodes[owner].Host.Mac, await OnlyMacAsync(Cluster.Client, address, Cluster.Nodes.Select(node => node.Host.Mac)));
        Cluster.Client.ForgetNeighbours();
        Assert.Contains("hello from", await GetPageAsync(Cluster.Client, address), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecondCardOnANetworkOfItsOwn_WithoutAnAddress_ThePoolNamesIt_AnswersThereAndOnlyThere()
    {
        using var network = new SecondSwitch();
        PlugAll(node => Card.Plug(node.Host, "eth1", null, SecondSwitch.Bridge));
        await ChangeConfigAsync(Pool("interfaces: [eth1]"));
        (_, string address) = await CreateAsync();
        string mac = await OnlyMacAsync(network.Client, address, _cards.Select(card => card.Mac));
        await SilentOnWireAsync(address);

        // A speaker that crashes moves nothing there either, though its node has no address on that wire that could be asked for.
        Card owner = _cards.Single(card => card.Mac == mac);
        Node node = Cluster.Nodes[_cards.IndexOf(owner)];
        await Cluster.Programs.Speaker(node).KillAsync();
        await OnlyMacAsync(network.Client, address, [mac]);
        Cluster.Programs.StartSpeaker(node);
        await Cluster.Programs.WaitUntilReadyAsync();
        await OnlyMacAsync(network.Client, address, [mac]);

        // And its node's loss is noticed there.
        owner.Unplug();
        await OnlyMacAsync(network.Client, address, _cards.Where(card => card != owner).Select(card => card.Mac));
    }

    [Fact]
    public async Task MacvlanWithAnAddressOfTheSameSubnet_NeverAnswersBesideItsParent()
    {
        PlugAll(node => Card.Macvlan(node.Host, "mac0", Second(node)));
        await ChangeConfigAsync(Pool(""));
        (_, string address) = await CreateAsync();
        await OnlyMacAsync(Cluster.Client, address, Cluster.Nodes.Select(node => node.Host.Mac));
        await ChangeConfigAsync(Pool("interfaces: [mac0]"));
        await OnlyMacAsync(Cluster.Client, address, _cards.Select(card => card.Mac));
    }

    private static string Second(Node node) => $"192.168.96.{200 + node.Number}/{Lan.PrefixLength}";

    private static string Pool(string key) =>
        $"""
        address-pools:
        - name: default
          protocol: layer2
          addresses: [{Lan.Pool}]
          {key}
        """;

    private void PlugAll(Func<Node, Card> plug) => _cards.AddRange(Cluster.Nodes.Select(plug));

    private async Task<(string Name, string Address)> CreateAsync()
    {
        string name = NewName();
        await CreateServiceAsync(name);
        return (name, await Cluster.WaitForAddressAsync(name));
    }

    /// <summary>Waits until one of the expected hardware addresses answers, and watches that no other does for two seconds and 200 requests.</summary>
    private async Task<string> OnlyMacAsync(Host from, string address, IEnumerable<string> expected)
    {
        string[] allowed = [.. expected];
        await using ArpProbe probe = ArpProbe.Start(from, address);
        TimeSpan since = TimeSpan.Zero;
        string mac = await Eventually.GetAsync(
            () => Task.FromResult(OnlyOne()), Soon, $"one of {string.Join(", ", allowed)} answers for {address}",
            () => $"{probe.Story()}\n{Cluster.Programs.Tails()}");
        since = probe.Now;
        await HoldsForAsync(Watched, () => probe.Macs(since).All(seen => seen == mac), $"only {mac} answers for {address}");
        Figure($"{address}: {probe.Answers.Count(answer => answer.IsReply && answer.At >= since)} answers in {Watched.TotalSeconds:0} s, all by {mac}");
        return mac;

        string? OnlyOne()
        {
            IReadOnlySet<string> macs = probe.Macs(since);
            if (macs.Count != 1 || !allowed.Contains(macs.Single()))
            {
                since = probe.Now;
                return null;
            }

            return probe.Now - since >= TimeSpan.FromMilliseconds(330) ? macs.Single() : null;
        }
    }
}
