using System.Diagnostics;

namespace LoadBalancer.LocalCluster.Isolation;

/// <summary>Runs the system's own tools (ip, nft, bridge, sysctl …) to completion.</summary>
public static class Tool
{
    /// <summary>Runs a tool and returns what it wrote; a failure throws with the command and its words.</summary>
    /// <param name="file">The tool, found in PATH or in the sbin folders.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">What it reads on standard input, or null for none.</param>
    public static string Run(string file, IEnumerable<string> arguments, string? input = null)
    {
        ToolResult result = Try(file, arguments, input);
        return result.ExitCode == 0 ? result.Output : throw new ToolFailedException(result);
    }

    /// <summary>Runs a tool given as one line; no argument may contain a space.</summary>
    public static string Run(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return Run(words[0], words[1..]);
    }

    /// <summary>Runs a tool and leaves it to the caller to judge how it ended.</summary>
    public static ToolResult Try(string file, IEnumerable<string> arguments, string? input = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = Describe(file, arguments);
        start.RedirectStandardInput = input is not null;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"cannot start {file}");
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (input is not null)
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }

        process.WaitForExit();
        return new ToolResult($"{file} {string.Join(' ', start.ArgumentList)}", process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    /// <summary>Where a tool is, or null: PATH and the sbin folders an ordinary user does not have in it.</summary>
    public static string? Find(string file)
    {
        if (file.Contains('/', StringComparison.Ordinal))
        {
            return File.Exists(file) ? file : null;
        }

        IEnumerable<string> folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/sbin", "/sbin", "/usr/local/sbin"]);
        return folders.Where(folder => folder.Length > 0).Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists);
    }

    internal static ProcessStartInfo Describe(string file, IEnumerable<string> arguments)
    {
        string path = Find(file) ?? throw new FileNotFoundException($"'{file}' is not installed (`build/prepare.sh run` installs what the local cluster needs)");
        var start = new ProcessStartInfo(path) { UseShellExecute = false };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }
}

/// <summary>How a tool ended.</summary>
public sealed record ToolResult(string Command, int ExitCode, string Output, string Errors);

/// <summary>A tool ended with an error.</summary>
public sealed class ToolFailedException(ToolResult result)
    : Exception($"`{result.Command}` ended with {result.ExitCode}: {result.Errors.Trim()} {result.Output.Trim()}".TrimEnd());
