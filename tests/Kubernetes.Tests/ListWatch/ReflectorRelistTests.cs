using LoadBalancer.Kubernetes.Tests.Support;

namespace LoadBalancer.Kubernetes.Tests.ListWatch;

/// <summary>A LIST on request: whoever becomes leader needs to know everything the former leader wrote.</summary>
public sealed class ReflectorRelistTests
{
    [Fact]
    public async Task Relist_DuringAWatch_ListsAtOnceAndWatchesOnFromThere()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).ThenWatch(Json.Added("a", 11))
            .Then(Json.List(20, Json.Service("b", 15))).ThenWatch(Json.Added("c", 21));
        test.Run();
        await test.NamesAsync("a");
        await Eventually.Within(test.Reflector.RelistAsync(TestContext.Current.CancellationToken));
        Assert.NotNull(test.Store.Get(new("shop", "b")));
        await test.NamesAsync("b", "c");
        Assert.Equal("", (await test.RequestAsync(2)).Parameter("watch"));
        Assert.Equal("20", (await test.RequestAsync(3)).Parameter("resourceVersion"));
        Assert.DoesNotContain(test.Happened, line => line.StartsWith("failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Relist_DuringAWaitAfterAFault_DoesNotWait()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).Then(503, "").Then(Json.List(20, Json.Service("b", 15))).ThenWatch();
        test.Run();
        await Eventually.TrueAsync(() => test.Happened.Contains("failed ServerError"), "the watch has failed");
        await Eventually.Within(test.Reflector.RelistAsync(TestContext.Current.CancellationToken));
        await test.NamesAsync("b");
    }

    [Fact]
    public async Task Relist_WhoseListFails_CompletesWithALaterOne()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10)).ThenWatch(Json.Added("a", 11)).Then(503, "").Then(Json.List(20, Json.Service("b", 15))).ThenWatch();
        test.Run();
        await test.NamesAsync("a");
        var relist = test.Reflector.RelistAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => test.Happened.Contains("failed ServerError"), "the list has failed");
        Assert.False(relist.IsCompleted);
        await test.Clock.PassAsync(0.8);
        await Eventually.Within(relist);
        await test.NamesAsync("b");
    }

    [Theory]
    [InlineData("it is empty")]
    [InlineData("it is older", "b")]
    public async Task List_OlderOrEmptied_TakesNothingAwayUntilTheServerHasSaidSoForHalfAMinute(string what, params string[] names)
    {
        await using var test = await ReflectorHarness.CreateAsync();
        var version = names.Length == 0 ? 50 : 9;
        test.Server.Then(Json.List(10, Json.Service("a", 7), Json.Service("b", 8))).ThenWatchAndClose(Json.Modified("a", 20)).Then(410, Json.Gone);
        for (var i = 0; i < 7; i++)
        {
            test.Server.Then(Json.List(version, [.. names.Select(name => Json.Service(name, 8))]));
        }

        test.Server.ThenWatch();
        test.Run();
        for (var i = 0; i < 6; i++)
        {
            await test.Server.SeenAsync(4 + i);
            await Eventually.EqualAsync(1 + i, () => test.Happened.Count(line => line == "failed Doubtful"), $"the lists not believed, {what}");
            Assert.Equal(2, test.Store.Count);
            await test.Clock.PassAsync(5);
        }

        await test.NamesAsync(names);
        Assert.Equal($"{version}", (await test.RequestAsync(10)).Parameter("resourceVersion"));
    }

    [Fact]
    public async Task List_EmptyOnce_IsForgottenWhenTheNextIsComplete()
    {
        await using var test = await ReflectorHarness.CreateAsync();
        test.Server.Then(Json.List(10, Json.Service("a", 7))).Then(410, Json.Gone)
            .Then(Json.List(12)).Then(Json.List(20, Json.Service("a", 7), Json.Service("b", 15))).ThenWatch();
        test.Run();
        await test.Server.SeenAsync(3);
        await test.Clock.PassAsync(5);
        await test.NamesAsync("a", "b");
        Assert.Equal(["a", "b"], test.Changes);
    }
}
