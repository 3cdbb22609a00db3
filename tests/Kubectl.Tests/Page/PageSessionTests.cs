using LoadBalancer.Kubectl.Commands;
using LoadBalancer.Kubectl.Page;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Kubectl.Tests.Page;

/// <summary><c>kubectl lb page</c>: the way to a controller's page, while pods come and go.</summary>
public sealed class PageSessionTests : IDisposable
{
    private readonly StringWriter text = new();
    private readonly StringWriter error = new();
    private readonly FakeTimeProvider time = new();
    private readonly CancellationTokenSource stop = new();
    private readonly List<string> browsed = [];
    private readonly List<(string Pod, int Port)> asked = [];

    public void Dispose()
    {
        text.Dispose();
        error.Dispose();
        stop.Dispose();
    }

    [Fact]
    public async Task Address_IsWrittenAndOpenedOnce_AndAnotherPodTakesOverAtTheSamePort()
    {
        var running = Session(["controller-a", "controller-b"], (pod, opened) =>
        {
            opened(40123);
            if (asked.Count == 3)
            {
                stop.Cancel();
                throw new OperationCanceledException(stop.Token);
            }

            return new ForwardEnd(40123, "error: lost connection to pod");
        }).RunAsync(stop.Token);

        Assert.Equal(0, await FinishedAsync(running));
        Assert.Equal("http://127.0.0.1:40123/\n", text.ToString());
        Assert.Equal(["http://127.0.0.1:40123/"], browsed);
        Assert.Equal([("controller-a", 0), ("controller-a", 40123), ("controller-a", 40123)], asked);
        Assert.Contains("controller-a: error: lost connection to pod; looking for another", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PodThatCannotBeReached_IsPassedOver()
    {
        var running = Session(["controller-a", "controller-b"], (pod, opened) =>
        {
            if (pod == "controller-a")
            {
                return new ForwardEnd(null, "error: unable to forward port because pod is not running");
            }

            opened(40123);
            stop.Cancel();
            throw new OperationCanceledException(stop.Token);
        }).RunAsync(stop.Token);

        Assert.Equal(0, await FinishedAsync(running));
        Assert.Equal([("controller-a", 0), ("controller-b", 0)], asked);
    }

    [Fact]
    public async Task NoWayAtTheStart_Is1_WithWhatKubectlSays()
    {
        var refused = Session(["controller-a"], (_, _) => new ForwardEnd(null, "Error from server (Forbidden): pods \"controller-a\" is forbidden"));

        Assert.Equal(1, await refused.RunAsync(stop.Token));
        Assert.Equal("controller-a: Error from server (Forbidden): pods \"controller-a\" is forbidden\n", error.ToString());
        Assert.Equal(1, await Session([], (_, _) => throw new InvalidOperationException()).RunAsync(stop.Token));
        Assert.EndsWith("there is no pod of a controller\n", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PortForward_PassesTheFlags_TellsThePort_AndWhatWasSaid()
    {
        using var kubectl = new FakeKubectl("echo \"$@\" >&2\necho 'Forwarding from 127.0.0.1:40123 -> 7472'\necho 'Handling connection for 40123'\n");
        List<int> opened = [];

        var end = await new PortForward(kubectl.Path, ["--context", "home"]).RunAsync("lb", "controller-a", 0, 7472, opened.Add, stop.Token);

        Assert.Equal(new ForwardEnd(40123, "port-forward --context home --namespace lb --address 127.0.0.1 pod/controller-a :7472"), end);
        Assert.Equal([40123], opened);
        await Assert.ThrowsAsync<UsageException>(() => new PortForward(kubectl.Path + "-absent", []).RunAsync("lb", "a", 0, 7472, opened.Add, stop.Token));
    }

    [Fact]
    public async Task PortForward_ThatIsCancelled_EndsItsProgram()
    {
        using var kubectl = new FakeKubectl("echo $$ >\"$0.pid\"\necho 'Forwarding from 127.0.0.1:1 -> 7472'\nexec sleep 600\n");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new PortForward(kubectl.Path, []).RunAsync("lb", "a", 0, 7472, _ => stop.Cancel(), stop.Token));

        var id = (await File.ReadAllTextAsync(kubectl.Path + ".pid", TestContext.Current.CancellationToken)).Trim();
        var begun = TimeProvider.System.GetTimestamp();
        while (File.Exists($"/proc/{id}/comm") && (await File.ReadAllTextAsync($"/proc/{id}/comm", TestContext.Current.CancellationToken)).Trim() is "sh" or "sleep")
        {
            Assert.True(TimeProvider.System.GetElapsedTime(begun) < TimeSpan.FromSeconds(20));
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public void Browser_IsOpenedWhereThereIsAScreenOnly()
    {
        Assert.Equal("xdg-open", Browsers.Find(name => name == "WAYLAND_DISPLAY" ? "wayland-0" : null));
        Assert.Null(Browsers.Find(_ => null));
    }

    private PageSession Session(string[] pods, Func<string, Action<int>, ForwardEnd> forward) => new(new Terminal(text, error, TextReader.Null, false, time), 0)
    {
        Pods = _ => Task.FromResult<IReadOnlyList<string>>(pods),
        Forward = (pod, port, opened, _) =>
        {
            asked.Add((pod, port));
            return Task.Run(() => forward(pod, opened));
        },
        Browse = browsed.Add,
    };

    private async Task<int> FinishedAsync(Task<int> running)
    {
        var begun = TimeProvider.System.GetTimestamp();
        while (!running.IsCompleted)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(begun) < TimeSpan.FromSeconds(20), error.ToString());
            time.Advance(PageSession.Pause);
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        return await running;
    }

    private sealed class FakeKubectl : IDisposable
    {
        private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("kubectl-");

        public FakeKubectl(string script)
        {
            Path = System.IO.Path.Combine(folder.FullName, "kubectl");
            File.WriteAllText(Path, "#!/bin/sh\n" + script);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }

        public string Path { get; }

        public void Dispose() => folder.Delete(recursive: true);
    }
}
