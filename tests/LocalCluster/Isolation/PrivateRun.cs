using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace LoadBalancer.LocalCluster.Isolation;

/// <summary>
/// Runs this executable once more inside its own network, mount and process namespaces. Whatever the run makes there —
/// bridges, namespaces, mounts, processes — is dropped by the kernel when its first process ends, however it ends, so
/// that nothing has to be cleaned up after Ctrl-C, SIGKILL or a crash. An ordinary user gets a user namespace around it.
/// </summary>
public static class PrivateRun
{
    /// <summary>A folder in memory that vanishes with the run: logs, kubeconfigs, server data.</summary>
    public const string Folder = "/run/loadbalancer";

    private const string Marker = "LB_PRIVATE_RUN";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Whether this process is the first of a private run.</summary>
    public static bool IsInside => Environment.ProcessId == 1 && Environment.GetEnvironmentVariable(Marker) is not null;

    /// <summary>
    /// Outside: runs the inside to its end and returns its exit status. Inside: prepares the namespaces and returns null,
    /// and the caller goes on. Call it first thing in Main, on the main thread.
    /// </summary>
    /// <param name="args">The arguments of Main; the inside gets the same.</param>
    /// <param name="environment">What else the inside finds in its environment.</param>
    /// <param name="started">Told, outside, the process id of the inside.</param>
    public static int? Enter(string[] args, IEnumerable<KeyValuePair<string, string>>? environment = null, Action<int>? started = null)
    {
        if (IsInside)
        {
            Prepare();
            return null;
        }

        try
        {
            return RunInside(args, environment ?? [], started);
        }
        catch (FileNotFoundException missing)
        {
            Console.Error.WriteLine(missing.Message);
            return 1;
        }
    }

    private static int RunInside(string[] args, IEnumerable<KeyValuePair<string, string>> environment, Action<int>? started)
    {
        ProcessStartInfo start = Tool.Describe("setpriv", Command(args));
        start.Environment[Marker] = "1";
        // Sockets of the runtime's diagnostics would stay behind in /tmp after a SIGKILL.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        if (Native.EffectiveUser() != 0)
        {
            start.Environment["LB_ORDINARY_USER"] = "1";
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        if (started is not null)
        {
            started(WaitForFirstProcess(process));
        }

        using var forced = new CancellationTokenSource();
        void Forward(PosixSignalContext context)
        {
            context.Cancel = true;
            Native.Signal(FirstProcessInside(process.Id), context.Signal == PosixSignal.SIGINT ? Native.SignalInterrupt : Native.SignalTerminate);
            forced.CancelAfter(Patience);
        }

        // unshare dies of nothing but SIGKILL while it waits, and takes everything inside with it.
        using CancellationTokenRegistration force = forced.Token.Register(() => Native.Signal(process.Id, Native.SignalKill));
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Forward);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Forward);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Forward);
        process.WaitForExit();
        return process.ExitCode;
    }

    private static IEnumerable<string> Command(string[] args)
    {
        // The signal follows the thread that starts the process, hence "on the main thread" above.
        yield return "--pdeathsig";
        yield return "KILL";
        yield return "unshare";
        if (Native.EffectiveUser() != 0)
        {
            yield return "--user";
            yield return "--map-root-user";
        }

        foreach (string option in (string[])["--net", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc", "--"])
        {
            yield return option;
        }

        yield return Environment.ProcessPath!;
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            yield return Environment.GetCommandLineArgs()[0];
        }

        foreach (string argument in args)
        {
            yield return argument;
        }
    }

    private static int FirstProcessInside(int unshare)
    {
        string children = File.ReadAllText($"/proc/{unshare}/task/{unshare}/children").Trim();
        return int.TryParse(children.Split(' ')[0], CultureInfo.InvariantCulture, out int first) ? first : unshare;
    }

    private static int WaitForFirstProcess(Process unshare)
    {
        int first;
        while ((first = FirstProcessInside(unshare.Id)) == unshare.Id && !unshare.WaitForExit(TimeSpan.FromMilliseconds(5)))
        {
            // It needs a moment to fork.
        }

        return first;
    }

    private static void Prepare()
    {
        Tool.Run("mount -t tmpfs -o mode=755 tmpfs /run");
        Directory.CreateDirectory("/run/netns");
        Directory.CreateDirectory(Folder);
        Directory.CreateDirectory($"{Folder}/tmp");
        Environment.SetEnvironmentVariable("TMPDIR", $"{Folder}/tmp");
        FreshSysfs();
        Tool.Run("ip link set lo up");
        foreach (string family in (string[])["iptables", "ip6tables", "arptables"])
        {
            TryWrite($"/proc/sys/net/bridge/bridge-nf-call-{family}", "0");
        }
    }

    /// <summary>/sys shows the interfaces of the namespace it was mounted in; the cgroup files below it are kept.</summary>
    private static void FreshSysfs()
    {
        Directory.CreateDirectory($"{Folder}/cgroup");
        bool kept = Tool.Try("mount", ["--rbind", "/sys/fs/cgroup", $"{Folder}/cgroup"]).ExitCode == 0;
        Tool.Run("mount -t sysfs sysfs /sys");
        if (kept)
        {
            Tool.Run($"mount --rbind {Folder}/cgroup /sys/fs/cgroup");
        }
    }

    /// <summary>Writes a kernel setting that a given kernel may lack or keep to itself.</summary>
    internal static void TryWrite(string path, string value)
    {
        try
        {
            File.WriteAllText(path, value);
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            // Absent: the bridge module's filter is not loaded, which is what 0 would achieve.
        }
    }
}
