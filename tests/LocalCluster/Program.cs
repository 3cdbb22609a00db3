using System.Runtime.InteropServices;
using LoadBalancer.LocalCluster.Demo;
using LoadBalancer.LocalCluster.Isolation;

if (args is not ["demo", .. string[] options] || options.Except(["--keep", "--short"]).Any())
{
    Console.Error.WriteLine(
        """
        usage: LoadBalancer.LocalCluster demo [--short] [--keep]
          --short  a node is lost for 3 s only, both times
          --keep   the cluster goes on running until Ctrl-C
        """);
    return 2;
}

bool keep = options.Contains("--keep"), brief = options.Contains("--short");
if (!PrivateRun.IsInside)
{
    using HostRelay? relay = keep ? new HostRelay() : null;
    return PrivateRun.Enter(args, relay is null ? [] : [relay.Environment], relay is null ? null : relay.SetProcess)!.Value;
}

PrivateRun.Enter(args);
using var stop = new CancellationTokenSource();
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}

using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
await using var demonstration = new Demonstration();
try
{
    await demonstration.RunAsync(brief, keep, stop.Token);
    return 0;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}
#pragma warning disable CA1031 // Whatever went wrong, it is shown and the status says so.
catch (Exception failure)
#pragma warning restore CA1031
{
    string log = failure.Message.Contains("--- ", StringComparison.Ordinal) ? "" : demonstration.Tails();
    Console.Error.WriteLine($"\n{failure.Message}\n\n{log}");
    return 1;
}
