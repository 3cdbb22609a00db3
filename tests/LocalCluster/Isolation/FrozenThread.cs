using System.ComponentModel;
using System.Globalization;

namespace LoadBalancer.LocalCluster.Isolation;

/// <summary>One thread of a process that stands still while the others run, until it is disposed (ptrace(2)): a thread that hangs.</summary>
public sealed class FrozenThread : IDisposable
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);
    private readonly ManualResetEventSlim _thaw = new();
    private readonly TaskCompletionSource _frozen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _task;
    private readonly Thread _tracer;

    private FrozenThread(string task)
    {
        _task = task;

        // All that is asked of a traced thread must come from the thread that traces it.
        _tracer = new Thread(Trace) { IsBackground = true };
        _tracer.Start();
    }

    /// <summary>Freezes the thread of this name.</summary>
    /// <param name="process">The process.</param>
    /// <param name="name">The thread's name as in /proc/PID/task/TID/comm: at most 15 characters.</param>
    public static async Task<FrozenThread> FreezeAsync(int process, string name)
    {
        var frozen = new FrozenThread(
            Directory.GetDirectories($"/proc/{process}/task").Single(folder => File.ReadAllText($"{folder}/comm").TrimEnd() == name));
        await frozen._frozen.Task;
        return frozen;
    }

    /// <summary>Lets it run again.</summary>
    public void Dispose()
    {
        _thaw.Set();
        _tracer.Join();
        _thaw.Dispose();
    }

    private void Trace()
    {
        try
        {
            int thread = int.Parse(Path.GetFileName(_task), CultureInfo.InvariantCulture);
            Native.Trace(Native.TraceSeize, thread);
            Native.Trace(Native.TraceInterrupt, thread);

            // Not waitpid(2): the first process of a namespace reaps whatever there is, this stop included.
            if (SpinWait.SpinUntil(() => File.ReadAllText($"{_task}/status").Contains("State:\tt", StringComparison.Ordinal), StopTimeout))
            {
                _frozen.SetResult();
                _thaw.Wait();
            }
            else
            {
                _frozen.SetException(new TimeoutException($"{_task} did not stop"));
            }

            Native.Trace(Native.TraceDetach, thread);
        }
        catch (Exception failure) when (failure is Win32Exception or IOException)
        {
            _frozen.TrySetException(failure);
        }
    }
}
