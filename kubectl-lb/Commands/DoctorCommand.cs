using System.CommandLine;
using LoadBalancer.Core.Addressing;
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
        var here = new Option<bool>("--here") { Description = "Also ask the wire of this machine for each IPv4 address, and compare with what the cluster believes. Linux." };
        var command = new Command("doctor", "Looks for what is known to go wrong, and shows who hears whom.") { output, here };
        command.SetAction(async (parsed, stop) =>
        {
            if (parsed.GetValue(here) && !Neighbours.AreKnown)
            {
                throw new UsageException("--here reads /proc/net/arp, which this machine does not have: run it on a Linux host of the LAN");
            }

            using var connection = flags.Connect(parsed);
            var begun = terminal.Time.GetTimestamp();
            var view = await flags.Reader(parsed, connection).ReadAsync(Parts.Programs | Parts.Services | Parts.Nodes, [], stop).ConfigureAwait(false);
            var (now, took) = (terminal.Time.GetUtcNow(), terminal.Time.GetElapsedTime(begun));
            var asked = parsed.GetValue(here) ? await AskAsync(view, terminal.Time, stop).ConfigureAwait(false) : null;
            var report = DoctorReport.Of(view, now, took, asked);
            var format = parsed.GetValue(output);
            await terminal.Out.WriteAsync(format == OutputFormat.Text
                ? DoctorText.Of(report, terminal.IsColoured)
                : ReportJson.Write(report, ReportJson.Default.DoctorReport, format)).ConfigureAwait(false);
            return report.Findings.Any(static finding => finding.Severity == "error") ? Exit.Wrong : Exit.Well;
        });
        return command;
    }

    private static async Task<IReadOnlyList<HereRow>> AskAsync(ClusterView view, TimeProvider time, CancellationToken stop) => await Task.WhenAll(
        Addresses.Of(view).Where(static row => IpAddress.TryParse(row.Address, out var address) && address.Family == IpFamily.IPv4)
            .Select(row => Neighbours.AskAsync(row.Address, row.Mac, time, stop))).ConfigureAwait(false);
}
