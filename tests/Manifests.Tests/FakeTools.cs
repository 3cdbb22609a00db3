using System.Diagnostics;

namespace LoadBalancer.Manifests.Tests;

/// <summary>The only programs a script of <c>build/</c> finds: a few of the machine's own, and some that write down what they are asked to do.</summary>
internal sealed class FakeTools : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fake-tools-");

    /// <param name="real">Programs of the machine's own that the script finds.</param>
    public FakeTools(params ReadOnlySpan<string> real)
    {
        foreach (var name in real)
        {
            var program = new[] { "/bin", "/usr/bin" }.Select(folder => Path.Combine(folder, name)).First(File.Exists);
            File.CreateSymbolicLink(Path.Combine(_folder.FullName, name), program);
        }
    }

    /// <summary>What they were asked to do so far, in order.</summary>
    public string[] Calls => File.Exists(CallsFile) ? File.ReadAllLines(CallsFile) : [];

    /// <summary>A folder for what else a test needs.</summary>
    public string Folder => _folder.FullName;

    private string CallsFile => Path.Combine(_folder.FullName, "calls");

    /// <summary>Adds a program that does what its script says, prints a text and ends with a status.</summary>
    public void Add(string name, int exitStatus = 0, string output = "", string script = "") =>
        AddAt(Path.Combine(_folder.FullName, name), name, exitStatus, output, script);

    /// <summary>Adds such a program at a place of its own; it is written down by the name given.</summary>
    public void AddAt(string file, string name, int exitStatus = 0, string output = "", string script = "")
    {
        File.WriteAllText(file, $"#!/bin/sh\necho {name} \"$@\" >> '{CallsFile}'\n{script}\necho '{output}'\nexit {exitStatus}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Takes a program away again.</summary>
    public void Remove(string name) => File.Delete(Path.Combine(_folder.FullName, name));

    /// <summary>Runs a script of <c>build/</c>, or a copy of one by its full path; its environment is that of the call and nothing else.</summary>
    public async Task<(int Status, string Errors)> RunAsync(string script, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("/bin/sh", [ProjectFiles.At("build", script), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = _folder.FullName;
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await output;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, errors);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
