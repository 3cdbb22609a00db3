using System.Net;
using System.Net.Sockets;
using LoadBalancer.Kubectl.Commands;

namespace LoadBalancer.Kubectl.Page;

/// <summary>
/// A port of this machine's loopback that leads to the status page of some controller, each connection by a port-forward of its own. Pods may come and go:
/// the next connection, and a page that is open makes one by itself, leads to one that is there.
/// </summary>
internal sealed class PageRelay : IDisposable
{
    private readonly TcpListener listener;
    private readonly TextWriter log;
    private string? current;
    private string? failed;

    /// <param name="port">The port of this machine; 0 for any that is free.</param>
    /// <param name="log">Where it is told which controller's page it is.</param>
    /// <exception cref="UsageException">The port is taken.</exception>
    public PageRelay(int port, TextWriter log)
    {
        this.log = log;
        listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw new UsageException($"--port {port}: {e.Message}; choose another", e);
        }
    }

    /// <summary>The controllers' pods, those first that are to be preferred.</summary>
    public required Func<CancellationToken, Task<IReadOnlyList<string>>> Pods { get; init; }

    /// <summary>Opens a connection to the page's port of a pod.</summary>
    public required Func<string, CancellationToken, Task<Stream>> Connect { get; init; }

    /// <summary>The page's address.</summary>
    public Uri Address => new($"http://{listener.LocalEndpoint}/");

    /// <summary>Sees whether there is a way at all.</summary>
    /// <exception cref="HttpRequestException">There is none; the message says why.</exception>
    public async Task TryAsync(CancellationToken stop)
    {
        var (_, stream) = await OpenAsync(stop).ConfigureAwait(false);
        await stream.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Relays until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(stop).ConfigureAwait(false);
                _ = Task.Run(() => RelayAsync(client, stop), CancellationToken.None);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <inheritdoc/>
    public void Dispose() => listener.Dispose();

    private async Task RelayAsync(TcpClient client, CancellationToken stop)
    {
        using var accepted = client;
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop);
        string? pod = null;
        var answered = false;
        try
        {
            (pod, var inside) = await OpenAsync(stop).ConfigureAwait(false);
            await using var kept = inside;
            var outside = client.GetStream();
            var asking = outside.CopyToAsync(inside, ends.Token);
            var telling = TellAsync(inside, outside, () => answered = true, ends.Token);
            await (await Task.WhenAny(asking, telling).ConfigureAwait(false)).ConfigureAwait(false);
            await ends.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException or OperationCanceledException)
        {
            // The browser finds its connection closed, and tries again.
            if (!stop.IsCancellationRequested && !answered)
            {
                Volatile.Write(ref failed, pod);
            }
        }
    }

    private static async Task TellAsync(Stream inside, NetworkStream outside, Action answered, CancellationToken stop)
    {
        var buffer = new byte[16384];
        while (await inside.ReadAsync(buffer, stop).ConfigureAwait(false) is > 0 and var count)
        {
            answered();
            await outside.WriteAsync(buffer.AsMemory(0, count), stop).ConfigureAwait(false);
        }
    }

    // The same pod as last, so that a page is one controller's; one that did not answer comes last.
    private async Task<(string Pod, Stream Stream)> OpenAsync(CancellationToken stop)
    {
        var (last, bad) = (Volatile.Read(ref current), Volatile.Read(ref failed));
        var pods = await Pods(stop).ConfigureAwait(false);
        HttpRequestException? why = null;
        foreach (var pod in pods.OrderBy(pod => pod == bad ? 2 : pod == last ? 0 : 1))
        {
            try
            {
                var stream = await Connect(pod, stop).ConfigureAwait(false);
                if (Interlocked.Exchange(ref current, pod) != pod)
                {
                    await log.WriteLineAsync($"The status page of {pod}").ConfigureAwait(false);
                }

                return (pod, stream);
            }
            catch (HttpRequestException e)
            {
                why = e;
            }
        }

        throw why ?? new HttpRequestException("there is no pod of a controller");
    }
}
