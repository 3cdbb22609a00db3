using System.Diagnostics;
using System.Globalization;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Programs;

/// <summary>A program under test, running on a node as it would in a host-network pod: with that node's network and /sys, a host name of its own and few capabilities.</summary>
public sealed class ProgramProcess : IAsyncDisposable
{
    // /sys lists the interfaces of the namespace it was mounted in; memory limits stay readable below it.
    private const string Launch =
        """
        capabilities=$1 log=$2 name=$3
        shift 3
        hostname "$name"
        mount --rbind /sys/fs/cgroup /run/loadbalancer/cgroup 2>/dev/null && kept=1
        mount -t sysfs sysfs /sys
        [ -z "$kept" ] || mount --rbind /run/loadbalancer/cgroup /sys/fs/cgroup
        exec setpriv --bounding-set="-all$capabilities" --inh-caps="-all$capabilities" -- "$@" >>"$log" 2>&1 </dev/null
        """;

    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(15);
    private readonly Process _process;

    private ProgramProcess(string name, Host host, Process process, string log)
    {
        Name = name;
        Host = host;
        Log = log;
        _process = process;
    }

    /// <summary>The name of the replica, such as <c>speaker-n2</c>.</summary>
    public string Name { get; }

    /// <summary>Where it runs.</summary>
    public Host Host { get; }

    /// <summary>The file with all that it writes.</summary>
    public string Log { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>How it ended; 128 and the signal's number if one ended it.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Resident memory in MiB, as the kernel counts it now.</summary>
    public double ResidentMebibytes
    {
        get
        {
            string line = File.ReadLines($"/proc/{Id}/status").First(candidate => candidate.StartsWith("VmRSS:", StringComparison.Ordinal));
            return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024.0;
        }
    }

    /// <summary>Processor time used since the start.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <param name="name">The replica's name; its log carries it.</param>
    /// <param name="host">Where it runs.</param>
    /// <param name="command">The executable and its arguments.</param>
    /// <param name="capability">The Linux capabilities it keeps, such as <c>net_raw</c> or <c>net_raw,+bpf</c>, or null.</param>
    public static ProgramProcess Start(string name, Host host, IEnumerable<string> command, string? capability)
    {
        string log = LogOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(log)!);
        ProcessStartInfo start = Tool.Describe("nsenter",
            [$"--net={host.Network.Path}", "--", "unshare", "--mount", "--uts", "--", "sh", "-c", Launch, "launch", capability is null ? "" : $",+{capability}", log, name, .. command]);
        start.Environment.Remove("LB_PRIVATE_RUN");
        return new ProgramProcess(name, host, Process.Start(start)!, log);
    }

    /// <summary>The file with all that a replica of a name writes.</summary>
    public static string LogOf(string name) => Path.Combine(PrivateRun.Folder, "logs", $"{name}.log");

    /// <summary>Sends SIGTERM and waits until it has ended.</summary>
    public async Task StopAsync()
    {
        Native.Signal(Id, Native.SignalTerminate);
        await WaitForExitAsync(StopTimeout);
    }

    /// <summary>Sends SIGTERM and leaves it to its ending.</summary>
    public void Terminate() => Native.Signal(Id, Native.SignalTerminate);

    /// <summary>Sends SIGKILL and waits until it is gone.</summary>
    public async Task KillAsync()
    {
        Native.Signal(Id, Native.SignalKill);
        await WaitForExitAsync(StopTimeout);
    }

    /// <summary>Stops it where it stands: a paused virtual machine, a starved node.</summary>
    public void Pause() => Native.Signal(Id, Native.SignalStop);

    /// <summary>Ends <see cref="Pause"/>.</summary>
    public void Continue() => Native.Signal(Id, Native.SignalContinue);

    /// <summary>The last lines it wrote, under its name.</summary>
    public string Tail(int lines = 25) =>
        $"--- {Name}{(HasExited ? $", ended with {ExitCode}" : "")}\n{(File.Exists(Log) ? string.Join('\n', File.ReadLines(Log).TakeLast(lines).Select(LogLine.Shorten)) : "(it wrote nothing)")}";

    public async ValueTask DisposeAsync()
    {
        if (!HasExited)
        {
            Native.Signal(Id, Native.SignalKill);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private async Task WaitForExitAsync(TimeSpan timeout)
    {
        using var patience = new CancellationTokenSource(timeout);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"{Name} had not ended after {timeout.TotalSeconds:0} s\n{Tail()}");
        }
    }
}
