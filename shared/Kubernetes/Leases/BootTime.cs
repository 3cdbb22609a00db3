using System.Runtime.InteropServices;

namespace LoadBalancer.Kubernetes.Leases;

/// <summary>
/// The clock for everything that others rely on to have ended: timestamps are CLOCK_BOOTTIME (clock_gettime(2)), which, unlike the
/// CLOCK_MONOTONIC of <see cref="TimeProvider.System"/>, goes on while the machine is suspended. A node that wakes after an hour must
/// find its leadership over. (A process stopped by a signal is no problem for either clock; a virtual machine paused by its host
/// sees neither advance, and only the resourceVersion guards of writes protect there.)
/// </summary>
public sealed partial class BootTime : TimeProvider
{
    private const int ClockBootTime = 7;

    /// <summary>The clock of this machine.</summary>
    public static readonly BootTime Clock = new();

    private readonly bool available = OperatingSystem.IsLinux() && Environment.Is64BitProcess && Read(ClockBootTime, out _) == 0;

    private BootTime()
    {
    }

    /// <inheritdoc/>
    public override long TimestampFrequency => available ? 1_000_000_000 : System.TimestampFrequency;

    /// <inheritdoc/>
    public override long GetTimestamp() =>
        available && Read(ClockBootTime, out var now) == 0 ? (now.Seconds * 1_000_000_000) + now.Nanoseconds : System.GetTimestamp();

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int Read(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
