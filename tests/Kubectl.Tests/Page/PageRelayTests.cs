using System.Net;
using System.Net.Sockets;
using System.Text;
using LoadBalancer.Kubectl.Commands;
using LoadBalancer.Kubectl.Page;

namespace LoadBalancer.Kubectl.Tests.Page;

/// <summary><c>kubectl lb page</c>: the way to a controller's page, while pods come and go.</summary>
public sealed class PageRelayTests : IDisposable
{
    private readonly StringWriter log = new();
    private readonly CancellationTokenSource stop = new();
    private readonly Dictionary<string, Pod> pods = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        stop.Cancel();
        foreach (var pod in pods.Values)
        {
            pod.Dispose();
        }

        stop.Dispose();
        log.Dispose();
    }

    [Fact]
    public async Task Connections_LeadToOneController_AndToAnotherWhenThatIsGone()
    {
        pods["controller-a"] = new Pod("a");
        pods["controller-b"] = new Pod("b");
        using var relay = Relay();
        await relay.TryAsync(Cancel);
        var running = relay.RunAsync(stop.Token);

        Assert.Equal(["a", "a"], [await AskAsync(relay), await AskAsync(relay)]);
        pods["controller-a"].Dispose();
        Assert.Equal(["b", "b"], [await AskAsync(relay), await AskAsync(relay)]);
        Assert.Equal("The status page of controller-a\nThe status page of controller-b\n", log.ToString());

        await stop.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System, Cancel);
    }

    [Fact]
    public async Task PodThatIsThereAndDoesNotAnswer_IsTriedLastTheNextTime()
    {
        pods["controller-a"] = new Pod("a") { Breaks = true };
        pods["controller-b"] = new Pod("b");
        using var relay = Relay();
        var running = relay.RunAsync(stop.Token);

        Assert.Equal("", await AskAsync(relay));
        Assert.Equal("b", await AskAsync(relay));

        await stop.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System, Cancel);
    }

    [Fact]
    public async Task NoWay_IsSaidWithTheReason()
    {
        using var relay = Relay();
        Assert.Equal("there is no pod of a controller", (await Assert.ThrowsAsync<HttpRequestException>(() => relay.TryAsync(Cancel))).Message);

        pods["controller-a"] = new Pod("a");
        pods["controller-a"].Dispose();
        Assert.Equal("controller-a is not running", (await Assert.ThrowsAsync<HttpRequestException>(() => relay.TryAsync(Cancel))).Message);
    }

    [Fact]
    public void PortThatIsTaken_IsAWrongUse()
    {
        using var relay = Relay();

        var refused = Assert.Throws<UsageException>(() => new PageRelay(relay.Address.Port, log) { Pods = null!, Connect = null! });

        Assert.StartsWith($"--port {relay.Address.Port}: ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Browser_IsOpenedWhereThereIsAScreenOnly()
    {
        Assert.Equal("xdg-open", Browsers.Find(name => name == "WAYLAND_DISPLAY" ? "wayland-0" : null));
        Assert.Null(Browsers.Find(_ => null));
    }

    private PageRelay Relay() => new(0, log)
    {
        Pods = _ => Task.FromResult<IReadOnlyList<string>>([.. pods.Keys.Order(StringComparer.Ordinal)]),
        Connect = (pod, stop) => pods[pod].ConnectAsync(pod, stop),
    };

    // Sends a word and reads until the other side closes.
    private static async Task<string> AskAsync(PageRelay relay)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, relay.Address.Port, Cancel);
        await client.GetStream().WriteAsync("?"u8.ToArray(), Cancel);
        try
        {
            using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
            return await reader.ReadToEndAsync(Cancel);
        }
        catch (IOException)
        {
            return "";
        }
    }

    private sealed class Pod : IDisposable
    {
        private readonly TcpListener listener = new(IPAddress.Loopback, 0);
        private readonly string word;
        private readonly int port;
        private bool gone;

        public Pod(string word)
        {
            this.word = word;
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
            _ = AnswerAsync();
        }

        public bool Breaks { get; init; }

        public async Task<Stream> ConnectAsync(string name, CancellationToken stop)
        {
            if (gone)
            {
                throw new HttpRequestException($"{name} is not running");
            }

            var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, stop);
            return Breaks ? new BrokenStream() : client.GetStream();
        }

        public void Dispose()
        {
            gone = true;
            listener.Dispose();
        }

        private async Task AnswerAsync()
        {
            try
            {
                while (true)
                {
                    using var client = await listener.AcceptTcpClientAsync();
                    await client.GetStream().ReadExactlyAsync(new byte[1]);
                    await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(word));
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
            {
                // The test is over, or somebody only tried the way.
                if (!gone)
                {
                    _ = AnswerAsync();
                }
            }
        }
    }

    // As a port-forward to a pod whose port nobody listens at.
    private sealed class BrokenStream : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("connection refused");
    }
}
