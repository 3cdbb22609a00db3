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

    /// <summary>The effective user id; 0 is root.</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    internal static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int kind);
}
