using System.Diagnostics;

namespace LoadBalancer.LocalCluster.ApiServer;

/// <summary>
/// A child process that does not outlive this one: a small shell holds its life line, a pipe from us, and ends it when the pipe
/// closes, which the kernel does also when we are killed. (PR_SET_PDEATHSIG would fire when the thread that started it ends.)
/// </summary>
public sealed class GuardedProcess : IAsyncDisposable
{
    private const string Guard = """
        exec 3<&0
        "$@" </dev/null 3<&- >>"$LOG" 2>&1 &
        child=$!
        (read -r _ <&3; kill -TERM $child; i=0; while kill -0 $child && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done; kill -KILL $child) 2>/dev/null &
        wait $child
        status=$?
        kill $! 2>/dev/null
        exit $status
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly Process _process;

    private GuardedProcess(Process process, string logFile)
    {
        _process = process;
        LogFile = logFile;
    }

    /// <summary>Where both its outputs go.</summary>
    public string LogFile { get; }

    /// <summary>Whether it has ended by itself.</summary>
    public bool HasExited => _process.HasExited;

    public static GuardedProcess Start(IEnumerable<string> command, string logFile)
    {
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Guard);
        start.ArgumentList.Add("guard");
        foreach (var argument in command)
            start.ArgumentList.Add(argument);
        start.Environment["LOG"] = logFile;
        return new GuardedProcess(Process.Start(start)!, logFile);
    }

    /// <summary>The last lines it wrote, for error messages.</summary>
    public string Tail(int lines = 15) =>
        File.Exists(LogFile) ? string.Join('\n', File.ReadLines(LogFile).TakeLast(lines)) : "(it wrote nothing)";

    public async ValueTask DisposeAsync()
    {
        using (_process)
        {
            _process.StandardInput.Close();
            using var deadline = new CancellationTokenSource(Patience);
            try
            {
                await _process.WaitForExitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }
    }
}
