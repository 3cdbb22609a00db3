using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace LoadBalancer.Browser;

/// <summary>A chromium without a window and with a profile of its own, which goes with it.</summary>
public sealed class Chromium : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Process _process;
    private readonly string _profile;
    private readonly HttpMessageInvoker _http;
    private int _port;

    private Chromium(Process process, string profile, HttpMessageInvoker http)
    {
        _process = process;
        _profile = profile;
        _http = http;
    }

    /// <summary>Where it is installed, or null.</summary>
    public static string? Find() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .SelectMany(folder => new[] { "chromium", "chromium-browser" }.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    /// <summary>Starts it.</summary>
    /// <param name="within">What it is started by, such as a command that enters another network; empty for nothing.</param>
    /// <param name="handler">How its own port on 127.0.0.1 is reached from here; null for this machine's network. It is disposed of.</param>
    public static async Task<Chromium> StartAsync(IReadOnlyList<string>? within = null, HttpMessageHandler? handler = null)
    {
        string profile = Directory.CreateTempSubdirectory("loadbalancer-browser-").FullName;
        string[] command =
        [
            .. within ?? [], Find() ?? throw new FileNotFoundException("chromium is not installed; build/prepare.sh test installs it"),
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--mute-audio", "--lang=en-GB", "--remote-debugging-port=0", $"--user-data-dir={profile}", "about:blank",
        ];
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["TZ"] = "UTC";
        Process process = Process.Start(start)!;
        process.ErrorDataReceived += static (_, _) => { };
        process.OutputDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        var browser = new Chromium(process, profile, new HttpMessageInvoker(handler ?? new SocketsHttpHandler()));
        await browser.WaitForPortAsync();
        return browser;
    }

    /// <summary>Opens a new tab.</summary>
    public async Task<Tab> OpenAsync()
    {
        using HttpResponseMessage response = await _http.SendAsync(new HttpRequestMessage(HttpMethod.Put, $"http://127.0.0.1:{_port}/json/new?about:blank"), CancellationToken.None);
        JsonNode target = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        return await Tab.ConnectAsync(new Uri((string)target["webSocketDebuggerUrl"]!), _http);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _http.Dispose();
        try
        {
            Directory.Delete(_profile, recursive: true);
        }
        catch (IOException)
        {
            // A process of it may still be writing its last; the folder is a temporary one.
        }
    }

    // It writes the port that it got into its profile.
    private async Task WaitForPortAsync()
    {
        string file = Path.Combine(_profile, "DevToolsActivePort");
        long begun = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(begun) < StartTimeout && !_process.HasExited)
        {
            if (File.Exists(file) && File.ReadAllText(file) is { } text && text.Split('\n') is [var port, _, ..])
            {
                _port = int.Parse(port, CultureInfo.InvariantCulture);
                return;
            }

            await Task.Delay(Pause, TimeProvider.System);
        }

        throw new TimeoutException("chromium has not opened its port");
    }
}
