using System.Buffers;
using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LoadBalancer.Browser;

/// <summary>A tab: commands to it, and what it had to complain of.</summary>
public sealed class Tab : IAsyncDisposable
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonObject>> _asked = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _stop = new();
    private Task _reading = Task.CompletedTask;
    private int _last;

    private Tab()
    {
    }

    /// <summary>Exceptions of scripts, and what the browser logged as an error: what the page's policy forbids among it.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    /// <summary>The addresses of everything that was loaded.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    /// <summary>Opens an address; returns when it was loaded.</summary>
    public async Task GoAsync(string url)
    {
        await SendAsync("Page.navigate", new JsonObject { ["url"] = url });
        await UntilAsync("document.readyState === 'complete'");
    }

    /// <summary>Forgets the errors so far.</summary>
    public void ForgetErrors() => _errors.Clear();

    /// <summary>The size of the window, and whether it is a phone's.</summary>
    public Task ResizeAsync(int width, int height, bool phone = false) => SendAsync("Emulation.setDeviceMetricsOverride", new JsonObject
    {
        ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = phone ? 2 : 1, ["mobile"] = phone,
    });

    /// <summary>Whether the viewer prefers dark.</summary>
    public Task PreferAsync(bool dark) => SendAsync("Emulation.setEmulatedMedia", new JsonObject
    {
        ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light" }),
    });

    /// <summary>What an expression of the page's script is.</summary>
    public async Task<JsonNode?> EvaluateAsync(string expression)
    {
        JsonObject answer = await SendAsync("Runtime.evaluate", new JsonObject { ["expression"] = expression, ["returnByValue"] = true, ["awaitPromise"] = true });
        return answer["exceptionDetails"] is { } details
            ? throw new InvalidOperationException($"{expression}: {details.ToJsonString()}")
            : answer["result"]?["value"];
    }

    /// <summary>The text of the first element that a selector finds; empty if there is none.</summary>
    public async Task<string> TextAsync(string selector) => (string?)await EvaluateAsync($"document.querySelector({Quote(selector)})?.innerText ?? ''") ?? "";

    /// <summary>The texts of all elements that a selector finds.</summary>
    public async Task<IReadOnlyList<string>> TextsAsync(string selector) =>
        [.. (await EvaluateAsync($"[...document.querySelectorAll({Quote(selector)})].map(element => element.innerText)"))!.AsArray().Select(text => (string)text!)];

    /// <summary>Waits until an expression is true.</summary>
    public async Task UntilAsync(string expression, TimeSpan? within = null)
    {
        long begun = TimeProvider.System.GetTimestamp();
        while ((bool?)(await EvaluateAsync($"Boolean({expression})"))! != true)
        {
            if (TimeProvider.System.GetElapsedTime(begun) > (within ?? AnswerTimeout))
            {
                throw new TimeoutException($"{expression} has not come true. The page says:\n{await TextAsync("body")}\n{string.Join('\n', _errors)}");
            }

            await Task.Delay(Pause, TimeProvider.System);
        }
    }

    /// <summary>Presses a key.</summary>
    public async Task PressAsync(string key, int code)
    {
        foreach (string type in new[] { "keyDown", "keyUp" })
        {
            await SendAsync("Input.dispatchKeyEvent", new JsonObject { ["type"] = type, ["key"] = key, ["code"] = key, ["windowsVirtualKeyCode"] = code });
        }
    }

    /// <summary>The roles and names that a screen reader is told.</summary>
    public async Task<IReadOnlyList<(string Role, string Name, string Value)>> AccessibilityAsync()
    {
        JsonArray nodes = (await SendAsync("Accessibility.getFullAXTree", []))["nodes"]!.AsArray();
        return [.. nodes.Where(node => (bool?)node!["ignored"] != true).Select(node => (
            (string?)node!["role"]?["value"] ?? "", (string?)node["name"]?["value"] ?? "", node["value"]?["value"]?.ToString() ?? ""))];
    }

    /// <summary>Saves a picture of the whole page, or of as much of it as is asked for.</summary>
    public async Task ScreenshotAsync(string file, int? height = null)
    {
        JsonObject size = (await SendAsync("Page.getLayoutMetrics", []))["cssContentSize"]!.AsObject();
        JsonObject picture = await SendAsync("Page.captureScreenshot", new JsonObject
        {
            ["format"] = "png", ["captureBeyondViewport"] = true,
            ["clip"] = new JsonObject { ["x"] = 0, ["y"] = 0, ["width"] = (double)size["width"]!, ["height"] = height ?? (double)size["height"]!, ["scale"] = 1 },
        });
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllBytesAsync(file, Convert.FromBase64String((string)picture["data"]!));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _socket.Dispose();
        _turn.Dispose();
        _stop.Dispose();
    }

    internal static async Task<Tab> ConnectAsync(Uri uri, HttpMessageInvoker http)
    {
        var tab = new Tab();
        await tab._socket.ConnectAsync(uri, http, CancellationToken.None);
        tab._reading = tab.ReadAsync();
        foreach (string domain in new[] { "Page", "Runtime", "Log", "Network" })
        {
            await tab.SendAsync($"{domain}.enable", []);
        }

        // As if its window were in front: else nothing in it gets the focus.
        await tab.SendAsync("Emulation.setFocusEmulationEnabled", new JsonObject { ["enabled"] = true });
        return tab;
    }

    private static string Quote(string text) => JsonSerializer.Serialize(text);

    private async Task<JsonObject> SendAsync(string method, JsonObject parameters)
    {
        int id = Interlocked.Increment(ref _last);
        var answer = new TaskCompletionSource<JsonObject>(TaskCreationOptions.RunContinuationsAsynchronously);
        _asked[id] = answer;
        byte[] message = JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters });
        await _turn.WaitAsync();
        try
        {
            await _socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, _stop.Token);
        }
        finally
        {
            _turn.Release();
        }

        JsonObject result = await answer.Task.WaitAsync(AnswerTimeout, TimeProvider.System);
        return result["error"] is { } error ? throw new InvalidOperationException($"{method}: {error.ToJsonString()}") : result["result"]!.AsObject();
    }

    private async Task ReadAsync()
    {
        var message = new ArrayBufferWriter<byte>();
        while (true)
        {
            message.ResetWrittenCount();
            ValueWebSocketReceiveResult part;
            do
            {
                part = await _socket.ReceiveAsync(message.GetMemory(65536), _stop.Token);
                message.Advance(part.Count);
            }
            while (!part.EndOfMessage);

            JsonObject read = JsonNode.Parse(message.WrittenSpan)!.AsObject();
            if ((int?)read["id"] is { } id)
            {
                _asked.Remove(id, out TaskCompletionSource<JsonObject>? asked);
                asked?.TrySetResult(read);
            }
            else
            {
                Note((string?)read["method"], read["params"]);
            }
        }
    }

    private void Note(string? method, JsonNode? about)
    {
        switch (method)
        {
            case "Runtime.exceptionThrown":
                _errors.Enqueue(about?["exceptionDetails"]?["exception"]?["description"]?.ToString() ?? about?.ToJsonString() ?? "an exception");
                break;
            case "Log.entryAdded" when about!["entry"] is JsonObject entry && (string?)entry["level"] == "error":
                _errors.Enqueue($"{entry["text"]} {entry["url"]}");
                break;
            case "Network.requestWillBeSent":
                _requests.Enqueue(about?["request"]?["url"]?.ToString() ?? "");
                break;
        }
    }
}
