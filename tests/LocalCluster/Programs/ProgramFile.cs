namespace LoadBalancer.LocalCluster.Programs;

/// <summary>Finds the programs under test and the project's files.</summary>
public static class ProgramFile
{
    /// <summary>The project's top folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>
    /// The executable of a program: in the folder <c>LB_BIN</c> if that is set, else the newest of what was published with
    /// NativeAOT and what the last builds left.
    /// </summary>
    public static string Find(string program) => Find($"loadbalancer-{program}", program);

    /// <summary>The executable of kubectl's plugin, found in the same places.</summary>
    public static string FindPlugin() => Find("kubectl-lb", "kubectl-lb");

    private static string Find(string name, string folderName)
    {
        if (Environment.GetEnvironmentVariable("LB_BIN") is { Length: > 0 } folder)
        {
            string given = Path.Combine(folder, name);
            return File.Exists(given) ? given : throw new FileNotFoundException($"LB_BIN={folder} holds no {name}; `make publish` puts it into artifacts/publish.");
        }

        string[] candidates =
        [
            Path.Combine(Root, "artifacts/publish", name),
            Path.Combine(Root, folderName, "bin/Release/net10.0", name),
            Path.Combine(Root, folderName, "bin/Debug/net10.0", name),
        ];
        return candidates.Where(File.Exists).MaxBy(NewestPart)
            ?? throw new FileNotFoundException($"{name} is neither published nor built; `make build` or `make publish` makes it.");
    }

    /// <summary>Whether an executable is a NativeAOT one; its memory is then what users see.</summary>
    public static bool IsNative(string path) => !File.Exists(path + ".dll");

    // The executable beside the assemblies of a build is copied once; the assembly tells when it was built.
    private static DateTime NewestPart(string path) =>
        File.Exists(path + ".dll") ? File.GetLastWriteTimeUtc(path + ".dll") : File.GetLastWriteTimeUtc(path);

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "LoadBalancer.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"no LoadBalancer.sln above {AppContext.BaseDirectory}: run from within the project");
    }
}
