using System.CommandLine;
using LoadBalancer.Kubectl.Check;
using LoadBalancer.Kubectl.Output;

namespace LoadBalancer.Kubectl.Commands;

/// <summary><c>check FILE…</c>.</summary>
internal static class CheckCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var output = CommonFlags.Output("json", "yaml", "github");
        var servedClass = new Option<string?>("--lb-class") { HelpName = "CLASS", Description = "The programs' --lb-class, if they have one." };
        var files = new Argument<string[]>("FILE") { Description = "Pools, a manifest with the ConfigMap, Services; - is standard input.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("check", "Reads pool configurations as the programs do; Services in the files are checked against them. No cluster is needed.") { output, servedClass, files };
        command.SetAction(async (parsed, stop) =>
        {
            List<(string, string)> texts = [];
            foreach (var file in parsed.GetValue(files)!)
            {
                texts.Add((file, await ReadAsync(file, terminal, stop).ConfigureAwait(false)));
            }

            var report = Checker.Check(texts, parsed.GetValue(servedClass));
            var format = parsed.GetValue(output);
            await terminal.Out.WriteAsync(format switch
            {
                OutputFormat.Text => CheckText.Of(report, terminal.IsColoured),
                OutputFormat.GitHub => CheckText.ForGitHub(report),
                _ => ReportJson.Write(report, ReportJson.Default.CheckReport, format),
            }).ConfigureAwait(false);
            return report.Well ? Exit.Well : Exit.Wrong;
        });
        return command;
    }

    /// <summary>A file's text.</summary>
    /// <exception cref="UsageException">It cannot be read.</exception>
    public static async Task<string> ReadAsync(string file, Terminal terminal, CancellationToken stop)
    {
        try
        {
            return file == "-" ? await terminal.In.ReadToEndAsync(stop).ConfigureAwait(false) : await File.ReadAllTextAsync(file, stop).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{file} cannot be read: {e.Message}", e);
        }
    }
}

/// <summary>The command was used wrongly; the message says what would work.</summary>
internal sealed class UsageException(string message, Exception? inner = null) : Exception(message, inner);
