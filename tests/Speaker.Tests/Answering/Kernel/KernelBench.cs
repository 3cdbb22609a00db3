using System.Globalization;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Speaker.Answering.Kernel;

namespace LoadBalancer.Speaker.Tests.Answering.Kernel;

/// <summary>
/// The program in the kernel, attached to nothing: frames are handed to it as if they came in on the loopback (BPF_PROG_TEST_RUN). Where this
/// machine allows no programs there is none, and that the speaker then does without is what a test can show.
/// </summary>
internal sealed unsafe partial class KernelBench : IDisposable
{
    internal const int Loopback = 1;
    private const int BpfCapability = 39;
    internal const int Next = -1;
    internal const int Dropped = 2;
    internal const int Redirect = 7;

    private readonly byte[] room = new byte[4096];
    private readonly KernelProgram? program;

    internal KernelBench()
    {
        (program, State) = KernelProgram.TryLoad(pins: null, out var problem);
        Problem = problem;
    }

    internal ref KernelMaps.Hidden Hidden => ref Program.HiddenOf(0);

    internal KernelState State { get; }

    internal string Problem { get; }

    internal static long Now => BootTime.Clock.GetTimestamp();

    internal ref KernelMaps.Counts Counts => ref Program.CountsOf(0);

    internal KernelProgram Program => program!;

    /// <summary>False where programs are not allowed, for a reason that can be seen; a machine that allows them and does not take this one is a failure.</summary>
    internal bool IsHere()
    {
        if (program is not null)
        {
            return true;
        }

        var expected = State switch
        {
            KernelState.NotBuilt => !File.Exists("/usr/bin/clang") || !File.Exists("/usr/include/bpf/bpf_helpers.h"),
            KernelState.NoLibrary => !Directory.EnumerateFiles("/usr/lib", "libbpf.so.1", SearchOption.AllDirectories).Any(),
            KernelState.NotPermitted => !HasCapability() || Status("Seccomp") != "0" || IsLockedDown(),
            KernelState.NotSupported => Environment.OSVersion.Version < new Version(5, 11),
            _ => false,
        };
        Assert.True(expected, $"{State}: {Problem}; nothing is to be seen that forbids it");
        Assert.NotEmpty(Problem);
        return false;
    }

    internal void Set(AnswerTable table, MacAddress mac, long until, long? beat = null, uint peers = 0)
    {
        foreach (var (vip, answer) in table.All)
        {
            Assert.Equal(0, Program.SetVip(Loopback, vip, answer));
        }

        Move(mac, until, beat, peers);
    }

    internal void Move(MacAddress mac, long until, long? beat = null, uint peers = 0, KernelMaps.Wants wants = KernelMaps.Wants.None) => Assert.Equal(
        0, Program.SetLink(Loopback, new KernelMaps.LinkState { Mac = mac.Value, Until = until, Beat = beat ?? Now, Kept = long.MaxValue, Peers = peers, Wants = wants }));

    /// <summary>What the program makes of a frame: what it sends, or null if the frame goes on, untouched.</summary>
    internal byte[]? Run(ReadOnlySpan<byte> frame)
    {
        var (verdict, result) = Judge(frame);
        if (verdict == Redirect)
        {
            return result;
        }

        Assert.Equal(Next, verdict);
        Assert.True(frame.SequenceEqual(result), $"a frame that goes on was changed: {Convert.ToHexString(frame)}");
        return null;
    }

    /// <summary>What the program says of a frame, and what has become of the frame.</summary>
    internal (int Verdict, byte[] Frame) Judge(ReadOnlySpan<byte> frame)
    {
        var options = Run(Program.File, frame);
        return ((int)options.ReturnValue, room[..(int)options.DataSizeOut]);
    }

    /// <summary>Whether the filter of the speaker's socket lets a frame through.</summary>
    internal bool Passes(ReadOnlySpan<byte> frame)
    {
        var options = Run(Program.Filter, frame);
        Assert.True(options.ReturnValue == 0 || options.ReturnValue >= EthernetFrame.MaximumLength, "a frame is let through whole or not at all");
        return options.ReturnValue != 0;
    }

    private LibBpf.TestRunOptions Run(int program, ReadOnlySpan<byte> frame)
    {
        fixed (byte* data = frame, output = room)
        {
            var options = new LibBpf.TestRunOptions
            {
                Size = (nuint)sizeof(LibBpf.TestRunOptions),
                DataIn = data,
                DataSizeIn = (uint)frame.Length,
                DataOut = output,
                DataSizeOut = (uint)room.Length,
            };
            Assert.Equal(0, LibBpf.TestRun(program, ref options));
            return options;
        }
    }

    /// <summary>Says of the one entry of a map that it was made at another time.</summary>
    internal bool AgeEntry(string map, long at)
    {
        var file = Program.MapFile(map);
        Span<byte> key = stackalloc byte[64];
        fixed (byte* found = key)
        {
            return LibBpf.NextKey(file, null, found) == 0 && LibBpf.Update(file, found, &at, 0) == 0;
        }
    }

    public void Dispose() => program?.Dispose();

    [System.Runtime.InteropServices.LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nint size, Span<ulong> mask);

    [System.Runtime.InteropServices.LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nint size, ReadOnlySpan<ulong> mask);

    private static bool HasCapability() =>
        (ulong.Parse(Status("CapEff"), NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> BpfCapability & 1) == 1;

    private static string Status(string name) =>
        File.ReadLines("/proc/self/status").First(line => line.StartsWith($"{name}:", StringComparison.Ordinal))[(name.Length + 1)..].Trim();

    private static bool IsLockedDown() =>
        File.Exists("/sys/kernel/security/lockdown") && !File.ReadAllText("/sys/kernel/security/lockdown").Contains("[none]", StringComparison.Ordinal);

    /// <summary>This thread runs on one processor meanwhile, as what becomes of a frame does from the socket to the program.</summary>
    internal readonly struct OneProcessor : IDisposable
    {
        private const int Words = 16;

        private readonly ulong[] before = new ulong[Words];

        public OneProcessor()
        {
            Assert.True(GetAffinity(0, sizeof(ulong) * Words, before) >= 0);
            var word = before.AsSpan().IndexOfAnyExcept(0ul);
            Span<ulong> one = stackalloc ulong[Words];
            one[word] = before[word] & (~before[word] + 1);
            Assert.Equal(0, SetAffinity(0, sizeof(ulong) * Words, one));
        }

        public void Dispose() => _ = SetAffinity(0, sizeof(ulong) * Words, before);
    }
}
