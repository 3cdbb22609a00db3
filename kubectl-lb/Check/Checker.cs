using System.Text.Json;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Facts;
using LoadBalancer.Kubernetes.ListWatch;

namespace LoadBalancer.Kubectl.Check;

/// <summary>One problem of a file.</summary>
/// <param name="File">The file as it was named.</param>
/// <param name="Line">1-based.</param>
/// <param name="Column">1-based.</param>
/// <param name="Severity">error or warning.</param>
/// <param name="Path">Where in the document, or which Service.</param>
/// <param name="Message">What was found.</param>
/// <param name="Remedy">What would work.</param>
internal sealed record FileProblem(string File, int Line, int Column, string Severity, string Path, string Message, string Remedy);

/// <summary>What <c>kubectl lb check</c> answers; also its JSON.</summary>
internal sealed record CheckReport
{
    /// <summary>The version of the format.</summary>
    public string ApiVersion { get; init; } = "kubectl-lb.loadbalancer/v1";

    /// <summary>Always Check.</summary>
    public string Kind { get; init; } = "Check";

    /// <summary>The problems in the order of the files.</summary>
    public required IReadOnlyList<FileProblem> Problems { get; init; }

    /// <summary>How many pools were found.</summary>
    public required int Pools { get; init; }

    /// <summary>How many Services were checked against them.</summary>
    public required int Services { get; init; }

    /// <summary>Whether no problem is an error.</summary>
    public bool Well => !Problems.Any(static problem => problem.Severity == "error");
}

/// <summary>Reads files as the programs read the ConfigMap, and plays through which Service of theirs would get an address. Pure.</summary>
internal static class Checker
{
    /// <summary>Checks files together.</summary>
    /// <param name="files">Each file's name and text.</param>
    /// <param name="servedClass">The class served, or null.</param>
    public static CheckReport Check(IReadOnlyList<(string Name, string Text)> files, string? servedClass)
    {
        List<FileProblem> problems = [];
        List<(string File, KubernetesObject Object)> services = [];
        List<(string File, FoundConfig Config)> configs = [];
        foreach (var (name, text) in files)
        {
            var read = ManifestText.Read(text);
            problems.AddRange(read.Problems.Select(problem => Of(name, problem)));
            problems.AddRange(read.Configs.SelectMany(static config => config.Result.Problems).Select(problem => Of(name, problem)));
            services.AddRange(read.Services.Select(service => (name, service)));
            configs.AddRange(read.Configs.Select(config => (name, config)));
        }

        if (configs.Count == 0 && problems.Count == 0)
        {
            problems.Add(new FileProblem(files.Count > 0 ? files[0].Name : "", 1, 1, "error", "", "there is no pool configuration in what was given",
                "give a file with 'address-pools:', or a manifest with the ConfigMap that has it under data.config"));
        }

        problems.AddRange(configs.Skip(1).Select(second => new FileProblem(second.File, second.Config.Line, 1, "error", "",
            $"there is a second pool configuration; the first is in {configs[0].File}, line {configs[0].Config.Line}", "the programs read one ConfigMap: put all pools into one")));
        var config = configs.Count == 1 ? configs[0].Config.Result.Config : null;
        if (config is not null)
        {
            problems.AddRange(OfServices(config, services, servedClass));
        }

        return new CheckReport { Problems = problems, Pools = config?.Pools.Count ?? 0, Services = config is null ? 0 : services.Count };
    }

    private static List<FileProblem> OfServices(PoolConfig config, List<(string File, KubernetesObject Object)> services, string? servedClass)
    {
        List<FileProblem> problems = [];
        Dictionary<ServiceId, (string File, KubernetesObject Object)> places = [];
        List<ServiceFacts> facts = [];
        foreach (var (file, found) in services)
        {
            try
            {
                // The order in the file stands for the age.
                var service = ObjectText.Service(found.Node) with { Created = DateTimeOffset.UnixEpoch.AddSeconds(facts.Count) };
                var read = ServiceFactsReader.Read(service, new Dictionary<string, string>(), servedClass);
                if (places.TryAdd(read.Id, (file, found)))
                {
                    facts.Add(read);
                }
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                problems.Add(new FileProblem(file, found.Node.Line, found.Node.Column, "error", found.ToString(), $"it cannot be read as a Service: {e.Message}", "kubectl apply --dry-run=server says which field is wrong"));
            }
        }

        foreach (var service in Rehearsal.Start(config, [], facts).Services)
        {
            if (service.Decision.Refusal is { } refusal)
            {
                var (file, found) = places[service.Facts.Id];
                problems.Add(new FileProblem(file, found.Node.Line, found.Node.Column,
                    service.Assignment is null ? "error" : "warning", $"Service {service.Facts.Id}", refusal.ToString(),
                    service.Assignment is null ? "it would get no address" : $"it would get {service.Assignment} and not all it asks for"));
            }
        }

        return problems;
    }

    private static FileProblem Of(string file, ConfigProblem problem) => new(
        file, problem.Line, problem.Column, problem.Severity == ConfigSeverity.Error ? "error" : "warning", problem.Path, problem.Message, problem.Remedy);
}
