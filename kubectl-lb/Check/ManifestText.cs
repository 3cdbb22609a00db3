using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Configuration;

namespace LoadBalancer.Kubectl.Check;

/// <summary>A pool configuration found in a file.</summary>
/// <param name="Line">Where it begins, 1-based.</param>
/// <param name="Text">As it would be written under the ConfigMap's key; null if it stands there bare.</param>
/// <param name="Result">What reading it came to, with lines and columns of the file.</param>
internal sealed record FoundConfig(int Line, string? Text, PoolConfigResult Result);

/// <summary>What a file holds that concerns the load balancer: the pools bare or in a ConfigMap, and Services.</summary>
/// <param name="Configs">The pool configurations.</param>
/// <param name="Services">The Services.</param>
/// <param name="Problems">What keeps the file from being read at all.</param>
/// <param name="Roots">The documents.</param>
internal sealed record ManifestText(
    IReadOnlyList<FoundConfig> Configs, IReadOnlyList<KubernetesObject> Services, IReadOnlyList<ConfigProblem> Problems, IReadOnlyList<ConfigNode> Roots)
{
    /// <summary>Reads a file's text. Never throws.</summary>
    public static ManifestText Read(string text)
    {
        var yaml = YamlConfigReader.Read(text);
        ConfigNode[] roots = [.. yaml.Documents.Select(static document => document.Root)];
        if (yaml.Problems.Count > 0)
        {
            return new ManifestText([], [], yaml.Problems, roots);
        }

        var lines = text.Split('\n');
        List<FoundConfig> configs = [];
        List<KubernetesObject> services = [];
        foreach (var found in roots.SelectMany(KubernetesObject.In))
        {
            if (found.Kind.Length == 0)
            {
                configs.Add(new FoundConfig(found.Node.Line, null, PoolConfigReader.Read(found.Node)));
            }
            else if (found.Kind == "ConfigMap" && At(At(found.Node, "data"), PoolConfigSource.DataKey) is ConfigScalar value)
            {
                configs.Add(new FoundConfig(value.Line, value.Value, Placed(PoolConfigText.Read(value.Value), value, lines)));
            }
            else if (found.Kind == "Service")
            {
                services.Add(found);
            }
        }

        // One problem that says what it is and what to write instead, as the programs do.
        var pasted = MetalLBConversion.Of(roots) is null ? [] : PoolConfigText.Read(text).Problems;
        return new ManifestText(configs, services, configs.Count == 0 ? pasted : [], roots);
    }

    /// <summary>The value of a key, or null.</summary>
    public static ConfigNode? At(ConfigNode? node, string key) =>
        node is ConfigMapping mapping ? mapping.Entries.FirstOrDefault(entry => entry.Key.Value == key)?.Value : null;

    // The lines of a block scalar begin below its indicator, indented alike; of another scalar only its beginning is known.
    private static PoolConfigResult Placed(PoolConfigResult result, ConfigScalar value, string[] lines)
    {
        var isBlock = lines[value.Line - 1].AsSpan(value.Column - 1).StartsWith("|");
        var indent = isBlock
            ? lines.Skip(value.Line).Where(static line => line.Trim().Length > 0).Select(static line => line.Length - line.TrimStart(' ').Length).FirstOrDefault()
            : 0;
        return result with
        {
            Problems =
            [
                .. result.Problems.Select(problem => isBlock
                    ? problem with { Line = value.Line + problem.Line, Column = indent + problem.Column }
                    : problem with { Line = value.Line, Column = value.Column }),
            ],
        };
    }
}
