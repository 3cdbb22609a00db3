using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using LoadBalancer.Browser;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.Testing;

namespace LoadBalancer.Cluster.Tests.Operating;

/// <summary>The status page of the running controllers, in a real browser on another host of the LAN: what is shown against what is.</summary>
[Limit(240, "a browser starts, beside an API server and other work")]
public sealed class StatusPageTests(ClusterFixture fixture, ITestOutputHelper output) : OperatorTest(fixture, output)
{
    private const string Shown = "performance.getEntriesByName('data-shown').length > 0";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private Chromium? _chromium;
    private Tab? _tab;

    private Tab Tab => _tab!;

    public override async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(Chromium.Find() is null, "chromium is not installed: build/prepare.sh test");
        await base.InitializeAsync();
        _chromium = await Chromium.StartAsync(["nsenter", $"--net={Cluster.Client.Network.Path}", "--"], Cluster.Client.HttpHandler());
        _tab = await _chromium.OpenAsync();
        await Tab.ResizeAsync(1440, 900);
    }

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_tab is not null)
        {
            await _tab.DisposeAsync();
        }

        if (_chromium is not null)
        {
            await _chromium.DisposeAsync();
        }

        await base.DisposeAsync();
    }

    [Fact]
    public async Task Page_ShowsWhoAnnouncesWhatAsItIsOnTheWire_AtTheReplicaThatLeadsAndAtTheOther()
    {
        (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();
        Node leader = await WaitForLeaderAsync();

        foreach (Node node in ControllerNodes)
        {
            await OpenAsync(node);
            await Tab.UntilAsync($"{RowOf(address)}?.innerText.includes('{owner.Name} eth0') && document.querySelectorAll('.matrix .hears').length === 6", Patience);

            Assert.Contains(node == leader ? " leads · version" : " stands by; controller-", await Tab.TextAsync("#controller"), StringComparison.Ordinal);
            string[] row = ((string)(await Tab.EvaluateAsync($"{RowOf(address)}.innerText"))!).Split('\t', '\n');
            Assert.Equal([address, $"default/{name}", $"{owner.Name} eth0"], row.Take(3).Select(cell => cell.Trim()));
            Assert.Equal("announced", row[^1].Trim());
            Assert.Equal(Cluster.Nodes.Select(one => one.Name), await Tab.TextsAsync("#nodes .name"));
            Assert.Equal(["default", "by-hand"], await Tab.TextsAsync(".pool h3"));
            Assert.Empty(Tab.Errors);
        }
    }

    [Fact]
    public async Task AddressThatMoves_IsShownWhereItIsNow_WithoutLoadingAnew()
    {
        (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();
        await OpenAsync(ControllerNodes.First());
        await Tab.UntilAsync($"{RowOf(address)}?.innerText.includes('{owner.Name} eth0')", Patience);
        await Tab.EvaluateAsync("window.sameDocument = true");

        await LabelAsync(owner, "true");
        try
        {
            Node next = await Eventually.GetAsync(async () => await OwnerOnWireAsync(address) is { } found && found != owner ? found : null, Patience, "another owner");
            await Tab.UntilAsync($"{RowOf(address)}?.innerText.includes('{next.Name} eth0')", Patience);
            await Tab.UntilAsync($"[...document.querySelectorAll('#changes p')].some(entry => entry.innerText.startsWith('{next.Name} announces ') && entry.innerText.includes('{address}'))", Patience);
            Assert.True((bool?)await Tab.EvaluateAsync("window.sameDocument"));
        }
        finally
        {
            await LabelAsync(owner, null);
        }

        await Cluster.Api.DeleteAsync(ServicePath(name));
        await Tab.UntilAsync($"!{RowOf(address)}", Patience);
        await Tab.UntilAsync($"document.getElementById('changes').innerText.includes('default/{name} has no address any more, it had {address}')", Patience);
    }

    [Fact]
    public async Task ControllerThatIsKilled_IsSaid_UntilItIsBack()
    {
        (_, string address, _) = await CreateAnnouncedServiceAsync();
        Node leader = await WaitForLeaderAsync();
        Node node = ControllerNodes.First(one => one != leader);
        await OpenAsync(node);
        await Tab.UntilAsync($"Boolean({RowOf(address)})", Patience);

        await Cluster.Programs.Controller(node).KillAsync();
        await Tab.UntilAsync("!document.getElementById('outage').hidden && document.body.classList.contains('stale')", Patience);
        Assert.Contains("What is shown is as of ", await Tab.TextAsync("#outage"), StringComparison.Ordinal);
        Assert.True((bool?)await Tab.EvaluateAsync($"Boolean({RowOf(address)})"));

        Cluster.Programs.StartController(node);
        await Tab.UntilAsync($"document.getElementById('outage').hidden && Boolean({RowOf(address)})", Patience);
    }

    [Fact]
    public async Task PageCommand_LeadsToAController_AndToTheOtherWhenThatIsGone()
    {
        (string name, string address, _) = await CreateAnnouncedServiceAsync();
        using Process plugin = Process.Start(new ProcessStartInfo(ProgramFile.FindPlugin(), ["page", "--no-browser", "--kubeconfig", Cluster.AdminKubeconfig])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        try
        {
            Task<string> error = plugin.StandardError.ReadToEndAsync(Cancel);
            string url = (await plugin.StandardOutput.ReadLineAsync(Cancel)) ?? throw new InvalidOperationException(await error);
            using var http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { BaseAddress = new Uri(url), Timeout = Soon };
            Assert.Contains("<title>Load balancer</title>", await http.GetStringAsync(new Uri("/", UriKind.Relative), Cancel), StringComparison.Ordinal);
            string first = await ReplicaAsync(http);
            using (var events = new StreamReader(await http.GetStreamAsync(new Uri("/events", UriKind.Relative), Cancel)))
            {
                // The first message may be older than the announcement.
                JsonObject? row;
                do
                {
                    string line = await events.ReadLineAsync(Cancel).AsTask().WaitAsync(Patience, Cancel) ?? throw new InvalidOperationException("The stream of events ended.");
                    row = line.StartsWith("data: ", StringComparison.Ordinal)
                        ? JsonNode.Parse(line["data: ".Length..])!.AsObject().Objects("addresses").SingleOrDefault(one => one.Text("address") == address)
                        : null;
                }
                while (row is null);

                Assert.Equal([$"default/{name}"], row.Strings("services"));
            }

            Node node = ControllerNodes.First(one => first.StartsWith($"controller-{one.Name}_", StringComparison.Ordinal));
            await Cluster.Programs.Controller(node).StopAsync();
            string second = await Eventually.GetAsync(
                async () =>
                {
                    try
                    {
                        return await ReplicaAsync(http);
                    }
                    catch (HttpRequestException)
                    {
                        return null;
                    }
                },
                Patience, "the other controller's page");
            Assert.NotEqual(first, second);
            Cluster.Programs.StartController(node);

            Tool.Run("sh", ["-c", string.Create(CultureInfo.InvariantCulture, $"kill -TERM {plugin.Id}")]);
            await plugin.WaitForExitAsync(Cancel);
            Assert.Equal(0, plugin.ExitCode);
        }
        finally
        {
            if (!plugin.HasExited)
            {
                plugin.Kill();
            }
        }
    }

    private static string RowOf(string address) => $"[...document.querySelectorAll('#addresses tr')].find(row => row.firstChild.innerText === '{address}')";

    private async Task OpenAsync(Node node)
    {
        Tab.ForgetErrors();
        await Tab.GoAsync($"http://{node.Host.Address}:7472/");
        await Tab.UntilAsync(Shown, Patience);
    }

    private static async Task<string> ReplicaAsync(HttpClient http) =>
        JsonNode.Parse(await http.GetStringAsync(new Uri("/status", UriKind.Relative), Cancel))!.AsObject().Text("replica");

    private async Task LabelAsync(Node node, string? value) => await Cluster.Api.MergeAsync($"/api/v1/nodes/{node.Name}", new JsonObject
    {
        ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["node.kubernetes.io/exclude-from-external-load-balancers"] = value } },
    });
}
