using System.ComponentModel;
using System.Globalization;

namespace LoadBalancer.LocalCluster.Isolation;

/// <summary>One thread of a process that stands still while the others run, until it is disposed (ptrace(2)): a thread that hangs.</summary>
public sealed class FrozenThread : IDisposable
{
    private readonly ManualResetEventSlim _thaw = new();
    private readonly TaskCompletionSource _frozen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _tracer;

    private FrozenThread(int thread)
    {
        // All that is asked of a traced thread must come from the thread that traces it.
        _tracer = new Thread(() => Trace(thread)) { IsBackground = true };
        _tracer.Start();
    }

    /// <summary>Freezes the thread of this name.</summary>
    /// <param name="process">The process.</param>
    /// <param name="name">The thread's name as in /proc/PID/task/TID/comm: at most 15 characters.</param>
    public static async Task<FrozenThread> FreezeAsync(int process, string name)
    {
        string task = Directory.GetDirectories($"/proc/{process}/task").Single(folder => File.ReadAllText($"{folder}/comm").TrimEnd() == name);
        var frozen = new FrozenThread(int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture));
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

    private void Trace(int thread)
    {
        try
        {
            Native.Trace(Native.TraceSeize, thread);
            Native.Trace(Native.TraceInterrupt, thread);
            Native.WaitForStop(thread);
            _frozen.SetResult();
            _thaw.Wait();
            Native.Trace(Native.TraceDetach, thread);
        }
        catch (Win32Exception failure)
        {
            _frozen.TrySetException(failure);
        }
    }
}
