using System.CommandLine;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubectl.Doctor;
using LoadBalancer.Kubectl.Output;
using LoadBalancer.Kubectl.Status;

namespace LoadBalancer.Kubectl.Commands;

/// <summary><c>doctor [--here]</c>.</summary>
internal static class DoctorCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommonFlags flags, Terminal terminal)
    {
        var output = CommonFlags.Output("json", "yaml");
        var here = new Option<bool>("--here") { Description = "Also ask the wire of this machine for each address, and compare with what the cluster believes: as root by raw frames, so that all who answer are seen. Linux." };
        var command = new Command("doctor", "Looks for what is known to go wrong, and shows who hears whom.") { output, here };
        command.SetAction(async (parsed, stop) =>
        {
            if (parsed.GetValue(here) && !Neighbours.AreKnown)
            {
                throw new UsageException("--here reads /proc/net/arp, which this machine does not have: run it on a Linux host of the LAN");
            }

            using var connection = flags.Connect(parsed);
            var begun = terminal.Time.GetTimestamp();
            var rights = ProgramRights.FindAsync(CommonFlags.ReaderOf(connection), parsed.GetValue(flags.SystemNamespace)!, parsed.GetValue(flags.ConfigMap)!, stop);
            var view = await flags.Reader(parsed, connection).ReadAsync(Parts.Programs | Parts.Services | Parts.Nodes, [], stop).ConfigureAwait(false);
            var (now, took) = (terminal.Time.GetUtcNow(), terminal.Time.GetElapsedTime(begun));
            var asked = parsed.GetValue(here) ? await HereDoctor.AskAsync(Addresses.Of(view), terminal.Time, stop).ConfigureAwait(false) : null;
            var report = DoctorReport.Of(view, now, took, asked, new Rights(await rights.ConfigureAwait(false)));
            var format = parsed.GetValue(output);
            await terminal.Out.WriteAsync(format == OutputFormat.Text
                ? DoctorText.Of(report, terminal.IsColoured)
                : ReportJson.Write(report, ReportJson.Default.DoctorReport, format)).ConfigureAwait(false);
            return report.Findings.Any(static finding => finding.Severity == "error") ? Exit.Wrong : Exit.Well;
        });
        return command;
    }
}
