using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using LoadBalancer.Controller.StatusPage;

namespace LoadBalancer.Controller.Tests.StatusPage;

/// <summary>The page over HTTP: what is served with which headers, and what the stream tells.</summary>
public sealed class StatusPagesTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/", "text/html")]
    [InlineData("/page.css", "text/css")]
    [InlineData("/page.js", "text/javascript")]
    [InlineData("/addresses.js", "text/javascript")]
    [InlineData("/poolmap.js", "text/javascript")]
    [InlineData("/icon.svg", "image/svg+xml")]
    [InlineData("/events", "text/event-stream")]
    public async Task EverythingServed_HasItsTypeAndThePolicy(string path, string type)
    {
        await using var page = await ServedPage.StartAsync(Statuses.Home);
        using var http = new HttpClient { BaseAddress = page.Address };

        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Head })
        {
            using var response = await http.SendAsync(new HttpRequestMessage(method, path), HttpCompletionOption.ResponseHeadersRead, Cancel);

            Assert.Equal((HttpStatusCode.OK, type), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
            Assert.StartsWith("default-src 'self'; ", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        }
    }

    [Fact]
    public async Task OtherMethodsAndPaths_AreRefused()
    {
        await using var page = await ServedPage.StartAsync(Statuses.Home);
        using var http = new HttpClient { BaseAddress = page.Address };

        foreach (var method in new[] { HttpMethod.Post, HttpMethod.Put, HttpMethod.Delete, HttpMethod.Options })
        {
            using var refused = await http.SendAsync(new HttpRequestMessage(method, "/events"), Cancel);
            Assert.Equal(HttpStatusCode.MethodNotAllowed, refused.StatusCode);
            Assert.Equal("GET, HEAD", string.Join(", ", refused.Content.Headers.Allow));
        }

        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/../page.js/x", Cancel)).StatusCode);
    }

    [Fact]
    public async Task Stream_BeginsWithEverything_AndGoesOnWithWhatChanged()
    {
        await using var page = await ServedPage.StartAsync(Statuses.Home);
        using var reader = await ReadAsync(page);

        var first = await reader.NextAsync();
        Assert.True(first.GetProperty("full").GetBoolean());
        Assert.Equal(Statuses.Home.Addresses.Count, first.GetProperty("addresses").GetArrayLength());
        Assert.Equal(["default", "ipv6", "edge"], first.GetProperty("pools").EnumerateArray().Select(pool => pool.GetProperty("name").GetString()));

        page.Status = Statuses.Home with
        {
            Addresses = [.. Statuses.Home.Addresses.Skip(1).Select((row, index) => index == 0 ? row with { State = "Nobody" } : row)],
            Nodes = [],
        };
        var second = await reader.NextAsync();

        Assert.False(second.GetProperty("full").GetBoolean());
        Assert.Equal(["at", "full", "nodes", "addresses", "gone"], second.EnumerateObject().Select(property => property.Name));
        Assert.Equal("192.168.96.101", second.GetProperty("addresses").EnumerateArray().Single().GetProperty("address").GetString());
        Assert.Equal(["192.168.96.100"], second.GetProperty("gone").EnumerateArray().Select(address => address.GetString()));
    }

    [Fact]
    public async Task StreamWithoutChanges_SaysThatItIsThere()
    {
        await using var page = await ServedPage.StartAsync(Statuses.Home);
        using var reader = await ReadAsync(page);
        await reader.NextAsync();

        var sign = await reader.NextAsync();

        Assert.Equal(["at"], sign.EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public async Task ReaderWhoComesLater_BeginsWithEverything_AndBothGoOn()
    {
        await using var page = await ServedPage.StartAsync(Statuses.Home);
        using var first = await ReadAsync(page);
        await first.NextAsync();
        using var second = await ReadAsync(page);

        Assert.True((await second.NextAsync()).GetProperty("full").GetBoolean());
        page.Status = Statuses.Empty;
        Assert.Equal(18, (await first.NextAsync()).GetProperty("gone").GetArrayLength());
        Assert.Equal(18, (await second.NextAsync()).GetProperty("gone").GetArrayLength());
    }

    [Fact]
    public async Task MoreReadersThanAllowed_Are503_UntilOneGoes()
    {
        await using var page = await ServedPage.StartAsync(Statuses.Empty);
        List<EventReader> readers = [];
        for (var i = 0; i < StatusFeed.MostReaders; i++)
        {
            readers.Add(await ReadAsync(page));
        }

        using var http = new HttpClient { BaseAddress = page.Address };
        using var refused = await http.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead, Cancel);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(5)), (refused.StatusCode, refused.Headers.RetryAfter?.Delta));

        readers[0].Dispose();
        await Fakes.Eventually.True(() =>
        {
            using var again = http.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead, Cancel).GetAwaiter().GetResult();
            return again.StatusCode == HttpStatusCode.OK;
        });
        readers.ForEach(reader => reader.Dispose());
    }

    [Fact]
    public async Task ProgramThatStops_EndsTheStreams()
    {
        await using var page = await ServedPage.StartAsync(Statuses.Home);
        using var reader = await ReadAsync(page);
        await reader.NextAsync();

        await page.StopAsync().WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System, Cancel);

        await Assert.ThrowsAnyAsync<IOException>(reader.NextAsync);
    }

    [Fact]
    public void Scripts_SetTextAndNeverMarkup()
    {
        foreach (var script in Directory.EnumerateFiles(Path.Combine(Root(), "controller/StatusPage/Assets"), "*.*").Where(file => file.EndsWith(".js", StringComparison.Ordinal) || file.EndsWith(".html", StringComparison.Ordinal)))
        {
            var text = File.ReadAllText(script);
            Assert.All(["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", " style=", "onclick=", "http://", "https://"],
                forbidden => Assert.DoesNotContain(forbidden, text, StringComparison.Ordinal));
        }
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "LoadBalancer.sln")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return folder;
    }

    private static async Task<EventReader> ReadAsync(ServedPage page)
    {
        var http = new HttpClient { BaseAddress = page.Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/events");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        return new EventReader(http, new StreamReader(await response.EnsureSuccessStatusCode().Content.ReadAsStreamAsync(Cancel)));
    }

    private sealed class EventReader(HttpClient http, StreamReader stream) : IDisposable
    {
        public async Task<JsonElement> NextAsync()
        {
            while (await stream.ReadLineAsync(Cancel) is { } line)
            {
                if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    return JsonDocument.Parse(line["data: ".Length..]).RootElement;
                }
            }

            throw new EndOfStreamException();
        }

        public void Dispose()
        {
            stream.Dispose();
            http.Dispose();
        }
    }
}
