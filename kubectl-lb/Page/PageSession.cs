using LoadBalancer.Kubectl.Commands;
using LoadBalancer.Kubectl.Output;

namespace LoadBalancer.Kubectl.Page;

/// <summary>
/// The way to the status page of some controller, which stays at one port of this machine while pods come and go: a page that is open goes on by
/// itself.
/// </summary>
internal sealed class PageSession
{
    /// <summary>Between two tries.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Terminal terminal;
    private int port;
    private bool wasOpen;

    /// <param name="terminal">Where the address is written, and what becomes of the way.</param>
    /// <param name="port">The port of this machine; 0 for any that is free.</param>
    public PageSession(Terminal terminal, int port)
    {
        this.terminal = terminal;
        this.port = port;
    }

    /// <summary>The controllers' pods, the ready ones first.</summary>
    public required Func<CancellationToken, Task<IReadOnlyList<string>>> Pods { get; init; }

    /// <summary>Leads from a port to a pod until that is gone: <see cref="PortForward.RunAsync"/>.</summary>
    public required Func<string, int, Action<int>, CancellationToken, Task<ForwardEnd>> Forward { get; init; }

    /// <summary>Opens the page in a browser.</summary>
    public required Action<string> Browse { get; init; }

    /// <summary>Runs until it is cancelled, or there is no way to any controller at the start.</summary>
    /// <returns>The exit status.</returns>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                var pods = await PodsAsync(stop).ConfigureAwait(false);
                var opened = false;
                var said = "there is no pod of a controller";
                foreach (var pod in pods)
                {
                    var end = await Forward(pod, port, found => Open(pod, found), stop).ConfigureAwait(false);
                    said = $"{pod}: {(end.Said.Length > 0 ? end.Said : "the way has ended")}";
                    opened = end.Port is not null;
                    if (opened)
                    {
                        break;
                    }
                }

                if (!wasOpen)
                {
                    await terminal.Error.WriteLineAsync(said).ConfigureAwait(false);
                    return Exit.Wrong;
                }

                if (opened)
                {
                    await terminal.Error.WriteLineAsync($"{said}; looking for another").ConfigureAwait(false);
                }

                await Task.Delay(Pause, terminal.Time, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Exit.Well;
        }
    }

    // Once it has worked, an API server that is away is waited for.
    private async Task<IReadOnlyList<string>> PodsAsync(CancellationToken stop)
    {
        try
        {
            return await Pods(stop).ConfigureAwait(false);
        }
        catch (HttpRequestException) when (wasOpen)
        {
            return [];
        }
    }

    private void Open(string pod, int found)
    {
        port = found;
        var url = $"http://127.0.0.1:{found}/";
        if (wasOpen)
        {
            terminal.Error.WriteLine($"{url} is {pod}'s now");
            return;
        }

        wasOpen = true;
        terminal.Out.WriteLine(url);
        terminal.Out.Flush();
        terminal.Error.WriteLine($"The status page of {pod}. Ctrl-C ends it.");
        Browse(url);
    }
}
