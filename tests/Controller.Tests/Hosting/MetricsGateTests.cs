using LoadBalancer.Hosting.SecureMetrics;
using LoadBalancer.Kubernetes.Access;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Controller.Tests.Hosting;

public sealed class MetricsGateTests
{
    private static readonly AccessReview Allowed = new("system:serviceaccount:monitoring:prometheus", true, "");
    private readonly FakeTimeProvider time = new();
    private readonly MetricsGate gate;
    private Func<string, Task<AccessReview>> answer = static _ => Task.FromResult(Allowed);
    private int asked;

    public MetricsGateTests() => gate = new MetricsGate((token, _) =>
    {
        Interlocked.Increment(ref asked);
        return answer(token);
    }, time);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Basic dXNlcjpwYXNz")]
    public async Task Request_WithoutABearerToken_IsRefusedWithoutAQuestion(string? header)
    {
        Assert.Equal(MetricsRefusal.NoToken, (await gate.JudgeAsync(header, Cancel)).Refusal);
        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task Token_ThatIsEmptyOrLongerThanAnyIs_IsRefusedWithoutAQuestion()
    {
        Assert.Equal(MetricsRefusal.NotAuthenticated, await AskAsync(""));
        Assert.Equal(MetricsRefusal.NotAuthenticated, await AskAsync(new string('a', 16 * 1024 + 1)));
        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task Yes_CountsForAMinute_AndIsThenAskedForAgain()
    {
        Assert.Equal(MetricsRefusal.None, await AskAsync("a"));
        time.Advance(MetricsGate.YesCounts - TimeSpan.FromSeconds(1));
        Assert.Equal(MetricsRefusal.None, await AskAsync("a"));
        Assert.Equal(1, asked);
        answer = static _ => Task.FromResult(new AccessReview(null, false, "token has expired"));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(MetricsRefusal.NotAuthenticated, await AskAsync("a"));
    }

    [Fact]
    public async Task No_CountsForTenSeconds_SoThatARightJustGrantedIsSeen()
    {
        answer = static _ => Task.FromResult(Allowed with { Allowed = false });
        var refused = await gate.JudgeAsync("Bearer a", Cancel);
        Assert.Equal(MetricsRefusal.NotAllowed, refused.Refusal);
        Assert.Equal("user \"system:serviceaccount:monitoring:prometheus\" cannot get the path /metrics: bind it to the ClusterRole loadbalancer-metrics-reader", refused.Message);
        answer = static _ => Task.FromResult(Allowed);
        Assert.Equal(MetricsRefusal.NotAllowed, await AskAsync("a"));
        Assert.Equal(1, asked);
        time.Advance(MetricsGate.NoCounts);
        Assert.Equal(MetricsRefusal.None, await AskAsync("a"));
    }

    [Fact]
    public async Task SeveralWithOneToken_AreOneQuestion()
    {
        var said = new TaskCompletionSource<AccessReview>(TaskCreationOptions.RunContinuationsAsynchronously);
        answer = _ => said.Task;
        var first = AskAsync("a");
        var second = AskAsync("a");
        said.SetResult(Allowed);
        Assert.Equal([MetricsRefusal.None, MetricsRefusal.None], await Task.WhenAll(first, second));
        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task WhoGivesUpWaiting_TakesTheAnswerFromNobodyElse()
    {
        var said = new TaskCompletionSource<AccessReview>(TaskCreationOptions.RunContinuationsAsynchronously);
        answer = _ => said.Task;
        using var impatient = new CancellationTokenSource();
        var first = gate.JudgeAsync("Bearer a", impatient.Token);
        var second = AskAsync("a");
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        said.SetResult(Allowed);
        Assert.Equal(MetricsRefusal.None, await second);
    }

    [Fact]
    public async Task ServerThatCannotBeAsked_IsSaid_AndNotRemembered()
    {
        answer = static _ => throw new HttpRequestException("connection refused");
        var verdict = await gate.JudgeAsync("Bearer a", Cancel);
        Assert.Equal((MetricsRefusal.Unavailable, "whose the token is cannot be asked: connection refused"), (verdict.Refusal, verdict.Message));
        answer = static _ => Task.FromResult(Allowed);
        Assert.Equal(MetricsRefusal.None, await AskAsync("a"));
    }

    [Fact]
    public async Task Yes_OutlivesAnOutageOfTheServer_ForAQuarterOfAnHour()
    {
        Assert.Equal(MetricsRefusal.None, await AskAsync("a"));
        answer = static _ => throw new HttpRequestException("no route");
        time.Advance(MetricsGate.YesOutlives - TimeSpan.FromSeconds(1));
        Assert.Equal(MetricsRefusal.None, await AskAsync("a"));
        Assert.Equal(2, asked);

        // And it is not waited for the server at each scrape meanwhile.
        Assert.Equal(MetricsRefusal.None, await AskAsync("a"));
        Assert.Equal(2, asked);
        time.Advance(MetricsGate.NoCounts);
        Assert.Equal(MetricsRefusal.Unavailable, await AskAsync("a"));
    }

    [Fact]
    public async Task No_OutlivesNoOutage_AndBecomesNoYes()
    {
        answer = static _ => Task.FromResult(Allowed with { Allowed = false });
        Assert.Equal(MetricsRefusal.NotAllowed, await AskAsync("a"));
        answer = static _ => throw new HttpRequestException("no route");
        time.Advance(MetricsGate.NoCounts);
        Assert.Equal(MetricsRefusal.Unavailable, await AskAsync("a"));
    }

    [Fact]
    public async Task FloodOfUnknownTokens_IsAskedAboutSlowly_AndThoseLetInAreNotKeptWaiting()
    {
        Assert.Equal(MetricsRefusal.None, await AskAsync("good"));
        time.Advance(MetricsGate.YesCounts);
        answer = static token => Task.FromResult(token == "good" ? Allowed : new AccessReview(null, false, ""));
        for (var i = 0; i < MetricsGate.UnknownInWindow; i++)
        {
            Assert.Equal(MetricsRefusal.NotAuthenticated, await AskAsync($"bad-{i}"));
        }

        Assert.Equal(MetricsRefusal.TooMany, await AskAsync("one-more"));
        Assert.Equal(MetricsRefusal.None, await AskAsync("good"));
        time.Advance(MetricsGate.Window);
        Assert.Equal(MetricsRefusal.NotAuthenticated, await AskAsync("one-more"));
    }

    [Fact]
    public async Task Tokens_AreRememberedInABoundedNumber_AndRefusalsAreForgottenFirst()
    {
        Assert.Equal(MetricsRefusal.None, await AskAsync("good"));
        answer = static _ => Task.FromResult(new AccessReview(null, false, ""));
        for (var i = 0; i < 2 * MetricsGate.Capacity; i++)
        {
            if (i % MetricsGate.UnknownInWindow == 0)
            {
                time.Advance(MetricsGate.Window);
            }

            Assert.Equal(MetricsRefusal.NotAuthenticated, await AskAsync($"bad-{i}"));
        }

        Assert.Equal(MetricsGate.Capacity, gate.Remembered);
        answer = static _ => throw new HttpRequestException("no route");
        Assert.Equal(MetricsRefusal.None, await AskAsync("good"));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private async Task<MetricsRefusal> AskAsync(string token) => (await gate.JudgeAsync($"Bearer {token}", Cancel)).Refusal;
}
