using System.CommandLine;
using LoadBalancer.Kubectl.Check;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubectl.Output;
using LoadBalancer.Kubectl.Plan;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Facts;

namespace LoadBalancer.Kubectl.Commands;

/// <summary><c>plan FILE</c>.</summary>
internal static class PlanCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommonFlags flags, Terminal terminal)
    {
        var output = CommonFlags.Output("json", "yaml");
        var file = new Argument<string>("FILE") { Description = "The pools to be applied, bare or in a ConfigMap; - is standard input." };
        var command = new Command("plan", "What applying this configuration would do to the Services of the cluster. Nothing is changed.") { output, file };
        command.SetAction(async (parsed, stop) =>
        {
            var name = parsed.GetValue(file)!;
            var found = ManifestText.Read(await CheckCommand.ReadAsync(name, terminal, stop).ConfigureAwait(false));
            if (found.Configs is not [{ Result.Config: { } next }])
            {
                throw new UsageException($"{name} is no one valid pool configuration; see: kubectl lb check {name}");
            }

            using var connection = flags.Connect(parsed);
            var view = await flags.Reader(parsed, connection).ReadAsync(
                Parts.Programs | Parts.Services | Parts.Nodes | Parts.Namespaces | Parts.Leases | Parts.Config, [], stop).ConfigureAwait(false);
            if (view.Services is not { } services)
            {
                throw new UsageException(view.Unread.Select(static unread => $"{unread.What} could not be read: {unread.Why}").First());
            }

            var current = view.ConfigText is { } text ? PoolConfigText.Read(text).Config : null;
            var report = PlanReport.Of(
                current, next, LeaseExclusions.At(view.Nodes ?? [], view.Leases ?? [], services),
                services.Select(service => ServiceFactsReader.Read(service, view.LabelsOf(service.Key.Namespace), view.Controller?.LoadBalancerClass))) with
            {
                Reservations = [.. Reservations(view)],
            };
            var format = parsed.GetValue(output);
            await terminal.Out.WriteAsync(format == OutputFormat.Text
                ? PlanText.Of(report, terminal.IsColoured)
                : ReportJson.Write(report, ReportJson.Default.PlanReport, format)).ConfigureAwait(false);
            return report.Well ? Exit.Well : Exit.Wrong;
        });
        return command;
    }

    // What was not seen may make a difference, and is said.
    private static IEnumerable<string> Reservations(ClusterView view)
    {
        foreach (var unread in view.Unread)
        {
            yield return $"{unread.What} could not be read ({unread.Why}); what would come of that is not in this plan";
        }

        if (view.Controller is null)
        {
            yield return "no controller could be asked which class it serves; taken to be the Services without one";
        }
    }
}
