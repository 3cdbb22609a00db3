using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Tests.Support;

namespace LoadBalancer.Kubernetes.Tests.ListWatch;

/// <summary>Every rule of following a kind of object, over real HTTP.</summary>
public sealed class ReflectorTests
{
    private static readonly ObjectKey A = new("shop", "a");

    [Fact]
    public async Task Start_ListsWithoutVersion_ThenWatchesFromTheListsVersion()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10, Json.Service("a", 7))).ThenWatch(Json.Added("b", 11));
        test.Run();
        await test.NamesAsync("a", "b");

        var list = await test.RequestAsync(0);
        Assert.Equal("/api/v1/services", list.Path);
        Assert.Equal("", list.Parameter("resourceVersion"));
        var watch = await test.RequestAsync(1);
        Assert.Equal("1", watch.Parameter("watch"));
        Assert.Equal("10", watch.Parameter("resourceVersion"));
        Assert.Equal("true", watch.Parameter("allowWatchBookmarks"));
        Assert.Equal("300", watch.Parameter("timeoutSeconds"));
        Assert.Equal(["a", "b"], test.Changes);
        Assert.Equal("11", test.Reflector.ResourceVersion);
        Assert.NotNull(test.Reflector.LastContact);
        Assert.Equal(["listed 1 services", "watching", "received Added"], test.Happened);
    }

    [Fact]
    public async Task Watch_LineCutIntoSingleBytes_IsOneEvent()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).Then(async context =>
        {
            foreach (var character in Json.Added("a", 11) + "\n")
            {
                await ScriptedServer.SendAsync(context, character.ToString());
            }

            await ScriptedServer.HangAsync(context);
        });
        test.Run();
        await test.NamesAsync("a");
        Assert.Equal(["a"], test.Changes);
    }

    [Fact]
    public async Task Watch_TwoEventsInOneRead_AreBothApplied()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).ThenWatch(Json.Added("a", 11), Json.Added("b", 12));
        test.Run();
        await test.NamesAsync("a", "b");
        Assert.Equal("12", test.Reflector.ResourceVersion);
    }

    [Fact]
    public async Task Watch_ClosedEmpty_ResumesFromTheSameVersionAfterASecond()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).ThenWatchAndClose().ThenWatch(Json.Added("a", 11));
        test.Run();
        await test.Clock.PassAsync(1);
        await test.NamesAsync("a");
        Assert.Equal("10", (await test.RequestAsync(2)).Parameter("resourceVersion"));
        Assert.DoesNotContain(test.Happened, line => line.StartsWith("failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Watch_ClosedAfterEvents_ResumesAtOnceFromTheLastEvent()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).ThenWatchAndClose(Json.Added("a", 11)).ThenWatch(Json.Added("b", 12));
        test.Run();
        await test.NamesAsync("a", "b");
        Assert.Equal("11", (await test.RequestAsync(2)).Parameter("resourceVersion"));
    }

    [Fact]
    public async Task Watch_Bookmark_MovesTheVersionAndRaisesNothing()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).ThenWatchAndClose(Json.Bookmark(42)).ThenWatch();
        test.Run();
        Assert.Equal("42", (await test.RequestAsync(2)).Parameter("resourceVersion"));
        Assert.Empty(test.Changes);
        Assert.Contains("received Bookmark", test.Happened);
    }

    [Fact]
    public async Task Watch_ExpiredByHttpStatus_ListsAgainAtOnce()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).Then(410, Json.Gone).Then(Json.List(20, Json.Service("a", 15))).ThenWatch();
        test.Run();
        await test.NamesAsync("a");
        Assert.Equal("20", (await test.RequestAsync(3)).Parameter("resourceVersion"));
        Assert.Contains("failed Expired", test.Happened);
    }

    [Fact]
    public async Task Watch_ExpiredByEvent_ListsAgainAtOnce()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).ThenWatch(Json.Event("ERROR", Json.Gone)).Then(Json.List(20, Json.Service("a", 15))).ThenWatch();
        test.Run();
        await test.NamesAsync("a");
        Assert.Equal("20", (await test.RequestAsync(3)).Parameter("resourceVersion"));
    }

    [Fact]
    public async Task Watch_ExpiredTwiceInARow_WaitsBeforeTheSecondList()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).Then(410, Json.Gone)
            .Then(Json.List(20)).Then(410, Json.Gone)
            .Then(Json.List(30)).Then(410, Json.Gone)
            .Then(Json.List(40, Json.Service("a", 15))).ThenWatch();
        test.Run();
        await test.Server.SeenAsync(4);
        await test.Clock.PassAsync(0.8);
        await test.Server.SeenAsync(6);
        await test.Clock.PassAsync(1.6);
        await test.NamesAsync("a");
    }

    [Fact]
    public async Task Watch_ThrottledWithRetryAfter_WaitsAsLongAsTheServerAsks()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).Then(429, Json.Failure(429, "TooManyRequests"), retryAfter: "7").ThenWatch(Json.Added("a", 11));
        test.Run();
        await test.Clock.PassAsync(7);
        await test.NamesAsync("a");
        Assert.Equal("10", (await test.RequestAsync(2)).Parameter("resourceVersion"));
        Assert.Contains("failed Throttled", test.Happened);
    }

    [Fact]
    public async Task List_ThrottledWithRetryAfter_WaitsAsLongAsTheServerAsks()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(429, Json.Failure(429, "TooManyRequests"), retryAfter: "3").Then(Json.List(10, Json.Service("a", 1))).ThenWatch();
        test.Run();
        await test.Clock.PassAsync(3);
        await test.NamesAsync("a");
    }

    [Theory]
    [InlineData("this is not JSON")]
    [InlineData("""{"type":"ADDED","object":{"metadata":{"name":"a" """)]
    [InlineData("""{"type":"ADDED","object":{"metadata":{"name":7}}}""")]
    [InlineData("""{"type":"ADDED"}""")]
    [InlineData("""{"type":"RENAMED","object":{"metadata":{"name":"a","resourceVersion":"11"}}}""")]
    [InlineData("""{"type":"ADDED","object":{"metadata":{"name":"a"}}}""")]
    [InlineData("""{"type":"ADDED","object":{"metadata":{"resourceVersion":"11"}}}""")]
    [InlineData("""[]""")]
    [InlineData("""null""")]
    public async Task Watch_GarbageLine_ListsAgain(string line)
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).ThenWatch(line).Then(Json.List(20, Json.Service("b", 15))).ThenWatch();
        test.Run();
        await test.NamesAsync("b");
        Assert.Contains("failed Malformed", test.Happened);
        Assert.Equal("", (await test.RequestAsync(2)).Parameter("watch"));
    }

    [Fact]
    public async Task Watch_BlankLine_IsIgnored()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).ThenWatch("", " \r", Json.Added("a", 11));
        test.Run();
        await test.NamesAsync("a");
        Assert.DoesNotContain("failed Malformed", test.Happened);
    }

    [Fact]
    public async Task Watch_SilentPastTheDeadline_IsOpenedAgainFromTheLastVersion()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).ThenWatch(Json.Added("a", 11)).ThenWatch(Json.Added("b", 12));
        test.Run();
        await test.NamesAsync("a");
        test.Clock.Advance(TimeSpan.FromSeconds(329));
        Assert.Equal(1, test.Server.Open);
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        await test.Clock.PassAsync(0.8);
        await test.NamesAsync("a", "b");
        Assert.Equal("11", (await test.RequestAsync(2)).Parameter("resourceVersion"));
        Assert.Contains("failed Silent", test.Happened);
    }

    [Fact]
    public async Task Watch_ServerNeverAnswers_IsTriedAgainAfterTheOpenTimeout()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10))
            .Then(context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default))
            .ThenWatch(Json.Added("a", 11));
        test.Run();
        await test.Server.SeenAsync(2);
        await test.Clock.PassAsync(30);
        await test.Clock.PassAsync(0.8);
        await test.NamesAsync("a");
    }

    [Fact]
    public async Task Watch_ConnectionReset_ResumesFromTheLastEvent()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        var reset = new TaskCompletionSource();
        test.Server.Then(Json.List(10)).ThenWatchAndReset(reset.Task, Json.Added("a", 11), Json.Modified("a", 13)).ThenWatch(Json.Added("b", 14));
        test.Run();
        await Eventually.EqualAsync("13", () => test.Reflector.ResourceVersion, "the version");
        reset.SetResult();
        await test.Clock.PassAsync(0.8);
        await test.NamesAsync("a", "b");
        Assert.Equal("13", (await test.RequestAsync(2)).Parameter("resourceVersion"));
        Assert.Contains("failed Connection", test.Happened);
        Assert.Single(test.Happened, line => line.StartsWith("listed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Gap_ObjectDeletedMeanwhile_IsFoundByTheNextList()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10, Json.Service("a", 7), Json.Service("b", 8))).Then(410, Json.Gone)
            .Then(Json.List(20, Json.Service("b", 8), Json.Service("c", 19))).ThenWatch();
        test.Run();
        await test.NamesAsync("b", "c");
        Assert.Null(test.Store.Get(A));

        // a and b of the first list, then what changed: c is new, a is gone, b is as it was.
        await Eventually.EqualAsync(4, () => test.Changes.Count, "the number of signals");
        Assert.Equal(["a", "b"], test.Changes.Take(2).Order(StringComparer.Ordinal));
        Assert.Equal(["c", "a"], test.Changes.Skip(2));
    }

    [Fact]
    public async Task Watch_ObjectDeletedAndChanged_IsApplied()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10, Json.Service("a", 7), Json.Service("b", 8)))
            .ThenWatch(Json.Modified("b", 11), Json.Deleted("a", 12), Json.Deleted("unknown", 13));
        test.Run();
        await test.NamesAsync("b");
        await Eventually.EqualAsync("13", () => test.Reflector.ResourceVersion, "the version");
        Assert.Equal("11", test.Store.Get(new("shop", "b"))!.ResourceVersion);
        Assert.Equal(["b", "a"], test.Changes.Skip(2));
    }

    [Fact]
    public async Task Cancel_ClosesTheConnection()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).ThenWatch(Json.Added("a", 11));
        test.Run();
        await test.NamesAsync("a");
        Assert.Equal(1, test.Server.Open);
        await test.StopAsync();
        await Eventually.EqualAsync(0, () => test.Server.Open, "the number of open requests");
    }

    [Fact]
    public async Task Failures_InARow_WaitLongerUpToThirtySecondsAndNeverGiveUp()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        for (var i = 0; i < 9; i++)
        {
            test.Server.Then(503, "upstream unavailable");
        }

        test.Server.Then(Json.List(10, Json.Service("a", 7))).ThenWatch();
        test.Run();
        foreach (var seconds in new[] { 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30, 30 })
        {
            await test.Clock.PassAsync(seconds);
        }

        await test.NamesAsync("a");
    }

    [Fact]
    public async Task Failures_AfterAnEvent_StartFromTheShortestWaitAgain()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).Then(503, "").Then(503, "").ThenWatchAndClose(Json.Added("a", 11)).Then(503, "").ThenWatch();
        test.Run();
        await test.Clock.PassAsync(0.8);
        await test.Clock.PassAsync(1.6);
        await test.NamesAsync("a");
        await test.Clock.PassAsync(0.8);
        Assert.Equal("11", (await test.RequestAsync(5)).Parameter("resourceVersion"));
    }

    [Fact]
    public async Task Watch_Refused_IsListedAgainAfterAWait()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).Then(403, Json.Failure(403, "Forbidden")).Then(Json.List(20, Json.Service("a", 12))).ThenWatch();
        test.Run();
        await test.Clock.PassAsync(0.8);
        await test.NamesAsync("a");
        Assert.Contains("failed Refused", test.Happened);
    }

    [Fact]
    public async Task Watch_ErrorEventOfTheServer_IsResumedTwiceThenListedAgain()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        var error = Json.Event("ERROR", Json.Failure(500, "InternalError"));
        test.Server.Then(Json.List(10)).ThenWatch(error).ThenWatch(error).ThenWatch(error).Then(Json.List(20, Json.Service("a", 12))).ThenWatch();
        test.Run();
        await test.Clock.PassAsync(0.8);
        await test.Clock.PassAsync(1.6);
        await test.Clock.PassAsync(3.2);
        await test.NamesAsync("a");
        Assert.Equal("10", (await test.RequestAsync(2)).Parameter("resourceVersion"));
        Assert.Equal("10", (await test.RequestAsync(3)).Parameter("resourceVersion"));
        Assert.Contains("failed ServerError", test.Happened);
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"kind":"Status","status":"Success"}""")]
    [InlineData("""{"kind":"ServiceList","metadata":{"resourceVersion":"20"}}""")]
    [InlineData("""{"kind":"ServiceList","metadata":{},"items":[]}""")]
    [InlineData("""<html>captive portal</html>""")]
    public async Task List_SomeOtherDocument_DeletesNothing(string body)
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10, Json.Service("a", 7))).Then(410, Json.Gone).Then(body).Then(Json.List(30, Json.Service("a", 7), Json.Service("b", 8))).ThenWatch();
        test.Run();
        await test.Clock.PassAsync(0.8);
        await test.NamesAsync("a", "b");
        Assert.Equal(["a", "b"], test.Changes);
    }

    [Fact]
    public async Task List_Null_Items_IsAnEmptyList()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then("""{"kind":"ServiceList","metadata":{"resourceVersion":"20"},"items":null}""").ThenWatch();
        test.Run();
        await Eventually.Within(test.Store.Synced);
        Assert.Equal(0, test.Store.Count);
    }

    [Fact]
    public async Task List_SeveralPages_AreOneList()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.ListPage(10, "t&1", Json.Service("a", 7))).Then(Json.ListPage(10, "t2", Json.Service("b", 8)))
            .Then(Json.ListPage(10, "", Json.Service("c", 9))).ThenWatch();
        test.Run();
        await test.NamesAsync("a", "b", "c");
        Assert.Equal("500", (await test.RequestAsync(0)).Parameter("limit"));
        Assert.Equal("t&1", (await test.RequestAsync(1)).Parameter("continue"));
        Assert.Equal("t2", (await test.RequestAsync(2)).Parameter("continue"));
        Assert.Equal("10", (await test.RequestAsync(3)).Parameter("resourceVersion"));
    }

    [Fact]
    public async Task List_PageExpired_IsListedAnewInOnePiece()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.ListPage(10, "t1", Json.Service("a", 7))).Then(410, Json.Gone)
            .Then(Json.List(20, Json.Service("b", 8))).ThenWatch();
        test.Run();
        await test.NamesAsync("b");
        var whole = await test.RequestAsync(2);
        Assert.Equal("", whole.Parameter("limit"));
        Assert.Equal("", whole.Parameter("continue"));
        Assert.Equal(["b"], test.Changes);
    }

    [Fact]
    public async Task Connect_ServerAway_IsTriedAgain()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        }).Then(Json.List(10, Json.Service("a", 7))).ThenWatch();
        test.Run();
        await test.Clock.PassAsync(0.8);
        await test.NamesAsync("a");
        Assert.Contains("failed Connection", test.Happened);
    }
}
