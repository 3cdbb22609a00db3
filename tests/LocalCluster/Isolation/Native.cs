using System.ComponentModel;
using System.Runtime.InteropServices;

namespace LoadBalancer.LocalCluster.Isolation;

/// <summary>The few system calls .NET has no door to.</summary>
internal static partial class Native
{
    internal const int SignalKill = 9;
    internal const int SignalInterrupt = 2;
    internal const int SignalTerminate = 15;
    internal const int SignalContinue = 18;
    internal const int SignalStop = 19;

    internal const int TraceDetach = 17;
    internal const int TraceSeize = 0x4206;
    internal const int TraceInterrupt = 0x4207;

    private const int NewNetworkNamespace = 0x4000_0000;

    /// <summary>Moves the calling thread into the network namespace of <paramref name="handle"/> (setns(2)).</summary>
    internal static void EnterNetwork(SafeHandle handle)
    {
        if (SetNamespace((int)handle.DangerousGetHandle(), NewNetworkNamespace) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "setns failed");
        }
    }

    /// <summary>Sends a signal; a process that is already gone is no error.</summary>
    internal static void Signal(int processId, int signal)
    {
        const int NoSuchProcess = 3;
        if (Kill(processId, signal) != 0 && Marshal.GetLastPInvokeError() != NoSuchProcess)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"signal {signal} to process {processId} failed");
        }
    }

    /// <summary>Asks something of a thread that the calling one traces, or is to trace (ptrace(2)).</summary>
    internal static void Trace(int request, int thread)
    {
        if (ProcessTrace(request, thread, 0, 0) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"ptrace request {request} to thread {thread} failed");
        }
    }

    /// <summary>The effective user id; 0 is root.</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    internal static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int kind);

    [LibraryImport("libc", EntryPoint = "ptrace", SetLastError = true)]
    private static partial nint ProcessTrace(nint request, int thread, nint address, nint data);
}
