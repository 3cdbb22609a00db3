using LoadBalancer.Controller.StatusPage;
using LoadBalancer.Hosting;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Leases;
using Microsoft.Extensions.DependencyInjection;

namespace LoadBalancer.Controller;

/// <summary>The process: the connection to the API server and a host with one worker.</summary>
internal static class ControllerProgram
{
    /// <summary>Runs until SIGTERM.</summary>
    /// <returns>The exit status.</returns>
    public static async Task<int> RunAsync(CommonOptions options, bool markLostNodes)
    {
        ApiConnection connection;
        try
        {
            connection = new ApiClientFactory(BootTime.Clock).Connect(options.Kubeconfig, UserAgent);
        }
        catch (ApiConfigurationException e)
        {
            await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            return 1;
        }

        using (connection)
        {
            var builder = ProgramHost.CreateBuilder(options);
            builder.Services.AddSingleton(connection);
            builder.Services.AddSingleton(new ControllerOptions(markLostNodes));
            builder.Services.AddSingleton(new ApiClient(connection, ApiUse.ControllerWith(markLostNodes).With(options.SecureMetrics is not null, ApiUse.SecuringMetrics), BootTime.Clock));
            builder.Services.AddSingleton(new StatusFeed(BootTime.Clock));
            builder.Services.AddSingleton<IPages, StatusPages>();
            builder.Services.AddHostedService<ControllerWorker>();
            await using var app = builder.Build();
            return await ProgramHost.RunAsync(app).ConfigureAwait(false);
        }
    }

    private static string UserAgent => $"loadbalancer-controller/{typeof(ControllerProgram).Assembly.GetName().Version?.ToString(3)}";
}
