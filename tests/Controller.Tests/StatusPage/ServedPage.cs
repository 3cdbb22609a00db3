using System.Net;
using LoadBalancer.Controller.StatusPage;
using LoadBalancer.Hosting;
using LoadBalancer.Status;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller.Tests.StatusPage;

/// <summary>The status page as the controller serves it, fed with whatever a test says.</summary>
internal sealed class ServedPage : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly StatusFeed feed = new(TimeProvider.System);

    private ServedPage(int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(feed);
        builder.Services.AddSingleton<IPages, StatusPages>();
        app = builder.Build();
        app.Run(async context =>
        {
            if (!await context.RequestServices.GetRequiredService<IPages>().AnswerAsync(context))
            {
                context.Response.StatusCode = 404;
            }
        });
        feed.Source = () => Task.FromResult(Status! with { Program = Status.Program with { At = TimeProvider.System.GetUtcNow() } });
    }

    /// <summary>What it tells; the next second it is told to who reads.</summary>
    public required ControllerStatus Status { get; set; }

    /// <summary>What is read.</summary>
    public StatusFeed Feed => feed;

    public Uri Address => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    public int Port => Address.Port;

    public static async Task<ServedPage> StartAsync(ControllerStatus status, int port = 0)
    {
        var page = new ServedPage(port) { Status = status };
        await page.app.StartAsync();
        return page;
    }

    /// <summary>Tells the streams to end, as when the program gets SIGTERM.</summary>
    public Task StopAsync() => app.StopAsync();

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}
