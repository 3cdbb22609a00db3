using System.Globalization;
using System.Text.Json.Nodes;
using LoadBalancer.Status;
using LoadBalancer.Testing;

namespace LoadBalancer.Controller.Tests.StatusPage;

/// <summary>The status page in a real browser: what it shows of what it is told.</summary>
[Limit(180, "a browser starts, beside other work")]
public sealed class PageBrowserTests(ITestOutputHelper output) : BrowserTest
{
    [Fact]
    public async Task Page_ShowsWhatItIsTold()
    {
        await using var page = await OpenAsync(Statuses.Home);

        Assert.StartsWith("controller-n1 leads · version 1.2.0+0a4ca76 · up for 3 d 4 h", await Tab.TextAsync("#controller"), StringComparison.Ordinal);
        Assert.Equal("2 errors, 1 warning", await Tab.TextAsync("#verdict-title"));
        Assert.Equal(["error", "error", "warning"], await Tab.TextsAsync("#problems .tag"));
        Assert.Contains("kubectl lb why -n staging web", await Tab.TextsAsync("#problems .remedy"));
        Assert.Equal(["15 1 waiting", "18 1.8 × 10¹⁹ not in use", "17 1 not", "3 of 3"], await Tab.TextsAsync("#figures dd"));
        Assert.Equal(["default", "ipv6", "edge"], await Tab.TextsAsync(".pool h3"));
        Assert.Equal(["12 used", "1 used, not announced", "1 in conflict", "60 free", "7 reserved", "2 passed over"], await Trimmed(".pool:first-child .legend li"));
        Assert.Equal(["192.168.96.121 another host, 52:54:00:aa:bb:cc, answers for it", "192.168.96.140 the address of node n2"],
            ((await Tab.EvaluateAsync("[...document.querySelectorAll('.pool:first-child details li')].map(item => item.textContent)"))!.AsArray()).Select(text => (string)text!));
        Assert.Equal("192.168.97.0-192.168.97.7 · only on request · priority 10 · for some Services only · on eth1", await Tab.TextAsync(".pool:nth-child(3) .note"));
        Assert.Equal(19, (await Tab.TextsAsync("#addresses tr")).Count);
        Assert.Equal(["none yet", "staging/web", "–", "12 min", "waiting", "there is no pool \"nowhere\"; there are default, edge, ipv6"], await CellsOf("none yet"));
        Assert.Equal(["192.168.96.100", "shop/web-0", "n1 eth0", "17 min", "announced"], await CellsOf("192.168.96.100"));
        Assert.Equal(["192.168.96.103", "shop/web-3", "n1 eth0", "1 h 8 min", "in conflict", "another host, 52:54:00:12:34:56, uses it, too"], await CellsOf("192.168.96.103"));
        Assert.Equal(["fd00:96::3", "shop/web-3", "n3 eth0", "1 h 8 min", "announced"], await CellsOf("fd00:96::3"));
        Assert.Equal(["n1", "n2", "n3", "win"], await Tab.TextsAsync("#nodes .name"));
        Assert.Equal(["speaks", "speaks", "speaks", "Windows"], await Tab.TextsAsync("#nodes .state"));
        Assert.Equal(["self", "hears", "hears", "hears", "self", "misses", "hears", "misses", "self"],
            ((await Tab.EvaluateAsync("[...document.querySelectorAll('.matrix tbody td')].map(cell => cell.className)"))!.AsArray()).Select(text => (string)text!));
        Assert.Equal(["n2 answers for n3 with 192.168.96.109", "n3 speaker has stopped", "shop/web-13 has 192.168.96.113", "staging/web there is no pool \"nowhere\"; there are default, edge, ipv6"],
            (await Tab.TextsAsync("#changes p")).Take(4));
        Assert.Equal("Live", await Tab.TextAsync("#connection"));
        Assert.Empty(Tab.Errors);
    }

    [Fact]
    public async Task ReplicaThatStandsBy_SaysWhoLeads_AndAClusterWithoutFaultsIsWell()
    {
        await using var page = await OpenAsync(Statuses.Empty with { Leading = false, Replica = "controller-n2" });

        Assert.StartsWith("controller-n2 stands by; controller-n1 leads", await Tab.TextAsync("#controller"), StringComparison.Ordinal);
        Assert.Equal("All is well", await Tab.TextAsync("#verdict-title"));
        Assert.Equal("There is no pool.", await Tab.TextAsync("#pools"));
    }

    [Fact]
    public async Task Changes_AreShownWithoutBeingAskedFor()
    {
        await using var page = await OpenAsync(Statuses.Home);
        await Tab.EvaluateAsync("window.sameDocument = true; document.querySelector('.map canvas').focus()");

        page.Status = Statuses.Home with
        {
            Addresses = [.. Statuses.Home.Addresses.Where(row => row.Address != "192.168.96.101").Select(row => row.Address == "192.168.96.100" ? row with { Voices = [row.Voices[0] with { Node = "n3", Since = Statuses.Now }] } : row)],
            Problems = [],
            Pools = [.. Statuses.Home.Pools.Where(pool => pool.Name != "ipv6")],
            History = [new ChangeStatus { At = Statuses.Now, Kind = "Node", Name = "n3", Type = "Normal", Reason = "Announces", Message = "announces 192.168.96.100" }, .. Statuses.Home.History],
        };

        await Tab.UntilAsync("document.getElementById('verdict-title').innerText === 'All is well'");
        Assert.Equal("n3 eth0", (await CellsOf("192.168.96.100"))[2]);
        Assert.Empty(await CellsOf("192.168.96.101"));
        Assert.Equal(["default", "edge"], await Tab.TextsAsync(".pool h3"));
        Assert.Equal("n3 announces 192.168.96.100", (await Tab.TextsAsync("#changes p"))[0]);
        Assert.True((bool?)await Tab.EvaluateAsync("window.sameDocument && document.activeElement === document.querySelector('.map canvas')"), "the page was loaded anew, or lost who has the focus");
    }

    [Fact]
    public async Task TextOfTheCluster_IsNeverMarkup()
    {
        const string Evil = "<img src=x onerror=\"window.harmed=1\"><script>window.harmed=1</script>&amp;";
        var address = Statuses.Row(1, "10.0.0.1", "Nobody", null) with { Services = [Evil], Detail = Evil, Pool = Evil };
        await using var page = await OpenAsync(Statuses.Empty with
        {
            Replica = Evil, LoadBalancerClass = Evil,
            Pools = [new PoolStatus { Name = Evil, Ranges = ["10.0.0.1-10.0.0.9"], Size = 9, InUse = 1, Interfaces = [Evil] }],
            Services = [new AssignmentStatus { Namespace = Evil, Name = Evil, Reason = Evil, Detail = Evil }],
            Addresses = [address, address with { Address = "10.0.0.2", Voices = [new VoiceStatus { Node = Evil, Link = Evil }] }],
            Excluded = [new ExcludedStatus { Address = "10.0.0.3", Pool = Evil, Kind = "NodeAddress", Detail = Evil, Reason = Evil }],
            Nodes = [new NodeStatus { Name = Evil, Ready = true, Speaker = "Alive", Version = Evil, Links = [new NodeLinkStatus { Name = Evil, Hears = [Evil], Misses = [Evil] }] }, Statuses.Node("n2", 0)],
            Problems = [new ProblemStatus { Severity = "error", What = Evil, Remedy = Evil }],
            History = [new ChangeStatus { At = Statuses.Now, Kind = "Service", Namespace = Evil, Name = Evil, Type = "Normal", Reason = Evil, Message = Evil }],
        });
        await Tab.EvaluateAsync("document.querySelector('details').open = true; document.querySelector('.map canvas').focus()");

        Assert.Equal("icon.svg", (string?)await Tab.EvaluateAsync("[...document.querySelectorAll('img, script:not([type=module])')].map(element => element.getAttribute('src')).join()"));
        Assert.Null(await Tab.EvaluateAsync("window.harmed"));
        foreach (var place in new[] { "#controller", ".pool h3", ".pool .note", ".pool details li", ".said", "#addresses td:nth-child(2)", "#addresses .detail", "#nodes .name", "#nodes .note", ".matrix th[scope=row]", "#problems p", ".remedy", "#changes b", "#changes p" })
        {
            Assert.Contains(Evil, string.Join('\n', await Tab.TextsAsync(place)), StringComparison.Ordinal);
        }

        Assert.Empty(Tab.Errors);
    }

    [Fact]
    public async Task Page_LoadsNothingFromElsewhere_AndItsPolicyForbidsIt()
    {
        await using var page = await OpenAsync(Statuses.Home);

        Assert.All(Tab.Requests.Where(url => url != "about:blank"), url => Assert.StartsWith(page.Address.ToString(), url, StringComparison.Ordinal));
        Assert.Empty(Tab.Errors);

        await Tab.EvaluateAsync("document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.harmed = 1' }), Object.assign(document.createElement('img'), { src: 'http://192.0.2.1/x.png' }))");
        await Tab.UntilAsync("true");
        Assert.Null(await Tab.EvaluateAsync("window.harmed"));
        Assert.Contains(Tab.Errors, error => error.Contains("Content Security Policy", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ControllerThatGoesAway_IsSaid_AndWhatIsShownIsGrey_UntilItIsBack()
    {
        var page = await OpenAsync(Statuses.Home);
        var port = page.Port;
        await page.StopAsync();
        await page.DisposeAsync();

        await Tab.UntilAsync("!document.getElementById('outage').hidden");
        Assert.Matches(@"^The (connection to the controller is lost|controller does not answer).* What is shown is as of \d\d:\d\d:\d\d\. Trying again\.$", await Tab.TextAsync("#outage"));
        Assert.Equal("Not connected", await Tab.TextAsync("#connection"));
        Assert.True((bool?)await Tab.EvaluateAsync("document.body.classList.contains('stale')"));
        Assert.Equal("shop/web-0", (await CellsOf("192.168.96.100"))[1]);
        await Tab.ScreenshotAsync(Picture("gone.png"), 900);

        await using var again = await ServedPage.StartAsync(Statuses.Home with { Replica = "controller-n2", Leader = "controller-n2" }, port);
        await Tab.UntilAsync("document.getElementById('outage').hidden && document.getElementById('controller').innerText.startsWith('controller-n2 leads')");
        Assert.Equal("Live", await Tab.TextAsync("#connection"));
    }

    [Fact]
    public async Task ThreeThousandServices_AreShownAtOnce_AndCanBeSearched()
    {
        await using var page = await OpenAsync(Statuses.Many(3000));
        List<double> times = [];

        // What the fastest of them takes is the page's own doing; the rest is what else this machine does. A busy one gets more tries.
        while (times.Count < 7 || (times.Min() > 200 && times.Count < 100))
        {
            await Tab.GoAsync(page.Address.ToString());
            await Tab.UntilAsync(Shown);
            times.Add((double)(await Tab.EvaluateAsync("performance.getEntriesByName('data-shown')[0].startTime"))!);
        }

        times.Sort();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"3,000 Services: data shown {times[0]:0} ms to {times[^1]:0} ms after the navigation began, the median of {times.Count} {times[times.Count / 2]:0} ms"));
        await Tab.ScreenshotAsync(Picture("three-thousand.png"), 1400);

        Assert.Equal("3,000 none waiting", (await Tab.TextsAsync("#figures dd"))[0]);
        Assert.Equal(["3,000 used", "1,096 free"], await Trimmed(".pool .legend li"));
        Assert.Equal(100, (await Tab.TextsAsync("#addresses tr")).Count);
        Assert.Equal("Show 100 more of 2,900", await Tab.TextAsync("#more"));
        await Tab.EvaluateAsync("document.getElementById('more').click()");
        Assert.Equal(200, (await Tab.TextsAsync("#addresses tr")).Count);
        await FilterAsync("web-2999");
        Assert.Equal(["10.0.11.184"], (await Tab.TextsAsync("#addresses tr th")));
        Assert.Equal("1 of 3,000 match", await Tab.TextAsync("#count"));

        Assert.True(times[0] <= 200, $"{times[0]:0} ms");
        Assert.InRange((int)(await Tab.EvaluateAsync("document.querySelectorAll('*').length"))!, 100, 2000);
    }

    [Fact]
    public async Task LargeIpv6Pool_DrawsOnlyWhatThereIsToSay()
    {
        await using var page = await OpenAsync(Statuses.Home);

        Assert.Equal("Of 1.8 × 10¹⁹ addresses only those with something to say are drawn.", await Tab.TextAsync(".pool:nth-child(2) .note:last-of-type"));
        Assert.Equal("2", (string?)await Tab.EvaluateAsync("document.querySelectorAll('.map canvas')[1].getAttribute('aria-valuemax')"));
    }

    [Fact]
    public async Task Map_IsWalkedThroughWithTheArrowKeys_AndEnterFindsTheAddress()
    {
        await using var page = await OpenAsync(Statuses.Home);
        await Tab.EvaluateAsync("document.querySelector('.map canvas').focus()");
        Assert.Equal("192.168.96.100: shop/web-0, announced by n1", await SaidAsync());

        List<string> said = [];
        foreach (var (key, code) in new[] { ("ArrowRight", 39), ("ArrowRight", 39), ("ArrowRight", 39), ("End", 35), ("Home", 36), ("ArrowDown", 40) })
        {
            await Tab.PressAsync(key, code);
            said.Add(await SaidAsync());
        }

        Assert.Equal(
            [
                "192.168.96.101: shop/web-1, announced by n2", "192.168.96.102: shop/web-2, announced by n3",
                "192.168.96.103: shop/web-3; another host, 52:54:00:12:34:56, uses it, too", "192.168.96.191: free", "192.168.96.100: shop/web-0, announced by n1",
                "192.168.96.132: reserved, given only to who asks for it",
            ], said);
        await Tab.PressAsync("Home", 36);
        await Tab.PressAsync("Enter", 13);
        Assert.Equal(["192.168.96.100"], await Tab.TextsAsync("#addresses tr th"));
        Assert.Equal("filter", (string?)await Tab.EvaluateAsync("document.activeElement.id"));
    }

    [Fact]
    public async Task ScreenReader_IsToldRolesNamesAndValues()
    {
        await using var page = await OpenAsync(Statuses.Home);

        foreach (var phone in new[] { false, true })
        {
            await Tab.ResizeAsync(phone ? 390 : 1440, 844, phone);
            var told = await Tab.AccessibilityAsync();
            Assert.Contains(told, node => node is { Role: "heading", Name: "2 errors, 1 warning" });
            Assert.Contains(told, node => node is { Role: "slider", Name: "Addresses of pool default" });
            Assert.Contains(told, node => node is { Role: "table", Name: "Addresses" });
            Assert.Contains(told, node => node is { Role: "columnheader", Name: "Announced by" });
            Assert.Contains(told, node => node is { Role: "rowheader", Name: "192.168.96.100" });
            Assert.Contains(told, node => node is { Role: "searchbox", Name: "Filter" });
            Assert.Contains(told, node => node is { Role: "status" });
            Assert.Contains(told, node => node is { Role: "main" });
            Assert.DoesNotContain(told, node => node is { Role: "button" or "link" or "slider" or "searchbox" or "table", Name: "" } && node.Role != "table");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Texts_HaveAContrastOfFourAndAHalfAtLeast(bool dark)
    {
        await Tab.PreferAsync(dark);
        await using var page = await OpenAsync(Statuses.Home);
        await Tab.EvaluateAsync("document.querySelector('details').open = true");

        var poor = (JsonArray)(await Tab.EvaluateAsync(
            """
            (() => {
              const channels = text => text.match(/[\d.]+/g).map(Number);
              const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
              const behind = element => { for (let e = element; e; e = e.parentElement) { const c = channels(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
              return [...document.querySelectorAll('body *')]
                .filter(e => e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
                .map(e => { const [a, b] = [luminance(channels(getComputedStyle(e).color)), luminance(behind(e))]; return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e]; })
                .filter(([ratio]) => ratio < 4.5).map(([ratio, e]) => `${ratio.toFixed(2)} ${e.tagName} ${e.className} ${e.textContent.slice(0, 30)}`);
            })()
            """))!;

        Assert.Empty(poor.Select(text => (string)text!));
    }

    [Fact]
    public async Task Pictures_OfAHomeCluster_InLightDarkAndOnAPhone()
    {
        await using var page = await OpenAsync(Statuses.Home);

        await Tab.ScreenshotAsync(Picture("light.png"));
        await Tab.ResizeAsync(1180, 900);
        await Tab.ScreenshotAsync(Picture("status-page.png"), 900); // docs/pictures has a copy of it
        await Tab.PreferAsync(dark: true);
        await Tab.ScreenshotAsync(Picture("dark.png"));
        await Tab.ResizeAsync(390, 844, phone: true);
        await Tab.PreferAsync(dark: false);
        await Tab.UntilAsync("document.querySelector('.map canvas').getBoundingClientRect().right <= innerWidth");
        await Tab.ScreenshotAsync(Picture("phone.png"));
        output.WriteLine(Pictures);

        Assert.Equal(390, (int)(await Tab.EvaluateAsync("document.documentElement.scrollWidth"))!);
        Assert.Empty(Tab.Errors);
    }

    private async Task<string> SaidAsync()
    {
        var said = (string)(await Tab.EvaluateAsync("document.querySelector('.map canvas').getAttribute('aria-valuetext')"))!;
        Assert.Equal(said, await Tab.TextAsync(".said"));
        return said;
    }

    private async Task FilterAsync(string text) => await Tab.EvaluateAsync(
        $"const filter = document.getElementById('filter'); filter.value = '{text}'; filter.dispatchEvent(new Event('input'))");

    private async Task<string[]> Trimmed(string selector) => [.. (await Tab.TextsAsync(selector)).Select(text => text.Trim())];

    private async Task<string[]> CellsOf(string address)
    {
        var row = (string?)await Tab.EvaluateAsync($"[...document.querySelectorAll('#addresses tr')].find(row => row.firstChild.innerText === '{address}')?.innerText");
        return row is null ? [] : [.. row.Split(['\t', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
    }
}
