using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;

namespace LoadBalancer.LocalCluster.Isolation;

/// <summary>
/// A named network namespace with one thread of this process inside it. A socket belongs for life to the namespace it is
/// created in, so probes create theirs through <see cref="Run{T}"/> and use them from anywhere.
/// </summary>
public sealed class NetworkNamespace : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    /// <summary>Makes the namespace and brings its loopback up.</summary>
    public NetworkNamespace(string name)
    {
        Name = name;
        Tool.Run($"ip netns add {name}");
        Tool.Run($"ip -n {name} link set lo up");
        _handle = File.OpenHandle(Path);
        _thread = new Thread(Work) { IsBackground = true, Name = $"netns {name}" };
        _thread.Start();
    }

    public string Name { get; }

    /// <summary>The file that stands for the namespace.</summary>
    public string Path => $"/run/netns/{Name}";

    /// <summary>Runs <c>ip</c> in the namespace, one command a line.</summary>
    public void Ip(string commands) => Tool.Run("ip", ["-n", Name, "-batch", "-"], commands);

    /// <summary>Runs a tool in the namespace.</summary>
    public ToolResult Try(string file, IEnumerable<string> arguments, string? input = null) =>
        Tool.Try("nsenter", [$"--net={Path}", "--", Tool.Find(file) ?? file, .. arguments], input);

    /// <summary>Sets a kernel setting of the namespace, such as <c>net/ipv4/ip_forward</c>.</summary>
    public void Set(string setting, int value) => Run(() =>
    {
        File.WriteAllText($"/proc/sys/{setting}", $"{value}");
        return true;
    });

    /// <summary>Runs a function on the namespace's thread. It must not block for long: there is one thread.</summary>
    public T Run<T>(Func<T> function)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                done.SetResult(function());
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        });
        return done.Task.GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
        _handle.Dispose();
        Tool.Try("ip", ["netns", "delete", Name]);
    }

    private void Work()
    {
        Native.EnterNetwork(_handle);
        foreach (Action action in _work.GetConsumingEnumerable())
        {
            action();
        }
    }
}
