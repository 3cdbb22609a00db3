using System.Runtime.CompilerServices;

namespace LoadBalancer.Manifests.Tests;

/// <summary>Files of the source tree these tests are about.</summary>
internal static class ProjectFiles
{
    /// <summary>The folder with the solution.</summary>
    public static string Root { get; } = FindRoot(Folder());

    public static string Read(params ReadOnlySpan<string> path) => File.ReadAllText(At(path));

    public static string At(params ReadOnlySpan<string> path) => Path.Combine([Root, .. path]);

    private static string Folder([CallerFilePath] string file = "") =>
        Directory.Exists(Path.GetDirectoryName(file)) ? Path.GetDirectoryName(file)! : AppContext.BaseDirectory;

    private static string FindRoot(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "LoadBalancer.sln")))
            {
                return at.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No folder above {folder} has LoadBalancer.sln: run the tests from the source tree.");
    }
}
