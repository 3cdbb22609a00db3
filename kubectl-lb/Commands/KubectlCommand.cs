using System.CommandLine;
using LoadBalancer.Kubectl.Output;
using LoadBalancer.Kubernetes.Client;

namespace LoadBalancer.Kubectl.Commands;

/// <summary>All commands, and the exit status of each way in which they end.</summary>
internal static class KubectlCommand
{
    private const string CompleteWord = "__complete";

    /// <summary>Runs one command.</summary>
    public static async Task<int> RunAsync(string[] args, Terminal terminal)
    {
        var root = Create(terminal);
        if (args is [CompleteWord, .. var words])
        {
            await terminal.Out.WriteAsync(Completion.Of(root, words)).ConfigureAwait(false);
            return Exit.Well;
        }

        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                await terminal.Error.WriteLineAsync(error.Message).ConfigureAwait(false);
            }

            await terminal.Error.WriteLineAsync("Try kubectl lb --help.").ConfigureAwait(false);
            return Exit.Misused;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error, EnableDefaultExceptionHandler = false }).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ApiConfigurationException or UsageException or HttpRequestException)
        {
            await terminal.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            return Exit.Misused;
        }
    }

    private static RootCommand Create(Terminal terminal)
    {
        var root = new RootCommand("Shows, explains and checks the load balancer of a cluster. As kubectl's plugin: kubectl lb …");
        var flags = new CommonFlags();
        flags.AddTo(root);
        root.Subcommands.Add(StatusCommand.Create(flags, terminal));
        root.Subcommands.Add(WhyCommand.Create(flags, terminal));
        root.Subcommands.Add(CheckCommand.Create(terminal));
        root.Subcommands.Add(PlanCommand.Create(flags, terminal));
        root.Subcommands.Add(DoctorCommand.Create(flags, terminal));
        root.Subcommands.Add(PageCommand.Create(flags, terminal));
        root.Subcommands.Add(BundleCommand.Create(flags, terminal));
        root.Subcommands.Add(MigrateCommand.Create(flags, terminal));
        return root;
    }
}
