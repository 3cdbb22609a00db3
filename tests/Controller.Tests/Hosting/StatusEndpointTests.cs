using System.Text;
using LoadBalancer.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Controller.Tests.Hosting;

public sealed class StatusEndpointTests : IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly StatusEndpoint endpoint;
    private int made;

    public StatusEndpointTests() => endpoint = new StatusEndpoint(time) { Source = (query, _) => Task.FromResult(Encoding.ASCII.GetBytes($"{++made} {query.Address} {query.All}")) };

    [Fact]
    public async Task Document_IsJsonAndNotCached()
    {
        var context = await AskAsync("");

        Assert.Equal(("application/json", "no-store"), (context.Response.ContentType, context.Response.Headers.CacheControl.ToString()));
        Assert.Equal("1  False", Text(context));
    }

    [Fact]
    public async Task SameQuestionWithinAMoment_GetsTheSameDocument_AnotherOrALaterOneANewOne()
    {
        Assert.Equal("1  False", Text(await AskAsync("")));
        Assert.Equal("1  False", Text(await AskAsync("")));
        Assert.Equal("2 10.0.0.1 False", Text(await AskAsync("?address=10.0.0.1")));
        Assert.Equal("3  True", Text(await AskAsync("?all")));
        time.Advance(StatusEndpoint.Moment);
        Assert.Equal("4  True", Text(await AskAsync("?all")));
    }

    [Fact]
    public async Task UnknownParameter_IsRefusedAndNamed()
    {
        var context = await AskAsync("?adress=10.0.0.1");

        Assert.Equal(400, context.Response.StatusCode);
        Assert.Equal("'adress' is not known here; there is ?address=ADDRESS and ?all\n", Text(context));
    }

    [Fact]
    public async Task ProgramThatIsStarting_Is503()
    {
        endpoint.Source = null;

        Assert.Equal(503, (await AskAsync("")).Response.StatusCode);
    }

    [Fact]
    public async Task PartThatDoesNotAnswer_Is503AfterAWhile_AndTheNextIsAnswered()
    {
        var first = true;
        endpoint.Source = (_, _) => first ? new TaskCompletionSource<byte[]>().Task : Task.FromResult("well"u8.ToArray());
        var hung = AskAsync("");
        time.Advance(StatusEndpoint.Patience);

        var context = await hung;
        Assert.Equal(503, context.Response.StatusCode);
        Assert.Contains("has not answered within 2 s", Text(context), StringComparison.Ordinal);
        first = false;
        Assert.Equal("well", Text(await AskAsync("")));
    }

    public void Dispose() => endpoint.Dispose();

    private static string Text(HttpContext context) => Encoding.UTF8.GetString(((MemoryStream)context.Response.Body).ToArray());

    private async Task<HttpContext> AskAsync(string query)
    {
        var context = new DefaultHttpContext { Request = { QueryString = new QueryString(query) }, Response = { Body = new MemoryStream() } };
        await endpoint.AnswerAsync(context);
        return context;
    }
}
