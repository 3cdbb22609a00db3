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
}
