using System.CommandLine;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubectl.Output;
using LoadBalancer.Kubectl.Status;

namespace LoadBalancer.Kubectl.Commands;

/// <summary><c>status [-w]</c>.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <summary>The command.</summary>
    public static Command Create(CommonFlags flags, Terminal terminal)
    {
        var output = CommonFlags.Output("json", "yaml");
        var watch = new Option<bool>("--watch", "-w") { Description = "Show it again every two seconds, until it is interrupted." };
        var command = new Command("status", "What is wrong first; then pools, addresses, speakers and controllers.") { output, watch };
        command.SetAction(async (parsed, stop) =>
        {
            using var connection = flags.Connect(parsed);
            var (format, again) = (parsed.GetValue(output), parsed.GetValue(watch));
            var status = Exit.Well;
            do
            {
                var view = await flags.Reader(parsed, connection).ReadAsync(Parts.Programs | Parts.Services | Parts.Nodes, [], stop).ConfigureAwait(false);
                var report = StatusMaker.Of(view);
                status = report.Problems.Any(static problem => problem.Severity == "error") ? Exit.Wrong : Exit.Well;
                var text = format == OutputFormat.Text
                    ? StatusText.Of(report, terminal.Time.GetUtcNow(), terminal.IsColoured)
                    : ReportJson.Write(report, ReportJson.Default.StatusReport, format);

                // A terminal is cleared; what is collected in a file is not.
                await terminal.Out.WriteAsync(again && terminal.IsColoured ? "\e[H\e[2J" + text : again && format == OutputFormat.Yaml ? "---\n" + text : text).ConfigureAwait(false);
                await terminal.Out.FlushAsync(stop).ConfigureAwait(false);
                if (again)
                {
                    await Task.Delay(Pause, terminal.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
            while (again && !stop.IsCancellationRequested);

            return status;
        });
        return command;
    }
}
