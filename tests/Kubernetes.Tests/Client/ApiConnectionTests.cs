using k8s;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Kubernetes.Tests.Client;

/// <summary>A connection to a server that has died is given up for a new one, with everything that waits on it.</summary>
public sealed class ApiConnectionTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(300);

    private readonly FakeTimeProvider clock = new();

    [Fact]
    public async Task RenewIfSilent_ServerAnswersWhatever_KeepsTheConnection()
    {
        await using var server = (await ScriptedServer.StartAsync()).Then(403, "{}");
        using var connection = Connect(server);
        Assert.False(await connection.RenewIfSilentAsync(Patience, clock, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task RenewIfSilent_NoAnswerInTime_WhatWaitsFails_AndTheNextRequestGoesByANewConnection()
    {
        await using var server = (await ScriptedServer.StartAsync())
            .Then(SayNothingAsync).Then(SayNothingAsync).Then(200, "{}");
        using var connection = Connect(server);
        var waiting = connection.SendAsync(HttpMethod.Get, "waiting", default, "application/json", TestContext.Current.CancellationToken);
        await Eventually.EqualAsync(1, () => server.Open, "the request that waits");
        var renewing = connection.RenewIfSilentAsync(Patience, clock, TestContext.Current.CancellationToken);
        await Eventually.EqualAsync(2, () => server.Open, "the question for a sign");
        clock.Advance(Patience);
        Assert.True(await renewing);
        using var next = await connection.SendAsync(HttpMethod.Get, "next", default, "application/json", TestContext.Current.CancellationToken);
        Assert.True(next.IsSuccessStatusCode);
        await Assert.ThrowsAsync<HttpRequestException>(() => waiting);
    }

    // As a server that is gone: not even the head of an answer.
    private static Task SayNothingAsync(HttpContext context)
    {
        var gone = new TaskCompletionSource();
        context.RequestAborted.Register(gone.SetResult);
        return gone.Task;
    }

    private static ApiConnection Connect(ScriptedServer server) =>
        new(new KubernetesClientConfiguration { Host = server.Url.AbsoluteUri }, "test", "test/1");
}
