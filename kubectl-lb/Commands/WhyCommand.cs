using System.CommandLine;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubectl.Output;
using LoadBalancer.Kubectl.Why;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubectl.Commands;

/// <summary><c>why [-n NS] SERVICE</c>.</summary>
internal static class WhyCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommonFlags flags, Terminal terminal)
    {
        var output = CommonFlags.Output("json", "yaml");
        var space = new Option<string?>("--namespace", "-n") { HelpName = "NAMESPACE", Description = "The Service's namespace. Default: that of the kubeconfig's context." };
        var name = new Argument<string>("SERVICE") { Description = "The Service; also NAMESPACE/SERVICE." };
        var command = new Command("why", "Why a Service is reached, or is not: the whole chain, each step with its reason.") { output, space, name };
        command.SetAction(async (parsed, stop) =>
        {
            using var connection = flags.Connect(parsed);
            var key = KeyOf(parsed.GetValue(name)!, parsed.GetValue(space) ?? connection.Namespace);
            var reader = flags.Reader(parsed, connection);

            // First which addresses it has, then everything about those from every speaker.
            var known = reader.ReadAsync(Parts.Services | Parts.Namespaces | Parts.Config, [], stop);
            var service = (await known.ConfigureAwait(false)).Services?.FirstOrDefault(found => found.Key == key);
            var told = await reader.ReadAsync(Parts.Programs, WhyMaker.AddressesOf(service), stop).ConfigureAwait(false);
            var view = await known.ConfigureAwait(false) with { Controllers = told.Controllers, Speakers = told.Speakers, Unread = told.Unread };
            var report = WhyMaker.Of(key, view);
            var format = parsed.GetValue(output);
            await terminal.Out.WriteAsync(format == OutputFormat.Text
                ? WhyText.Of(report, terminal.IsColoured)
                : ReportJson.Write(report, ReportJson.Default.WhyReport, format)).ConfigureAwait(false);
            return report.Well ? Exit.Well : Exit.Wrong;
        });
        return command;
    }

    private static ObjectKey KeyOf(string name, string @namespace) => name.Split('/') switch
    {
        [var space, var service] => new ObjectKey(space, service),
        _ => new ObjectKey(@namespace, name),
    };
}
