using LoadBalancer.Core.Pools;

namespace LoadBalancer.Kubernetes.Configuration;

/// <summary>The pool configuration as it is written: YAML, then <see cref="PoolConfigReader"/>.</summary>
public static class PoolConfigText
{
    /// <summary>Reads the value of the ConfigMap's key. Never throws: what is wrong with the text is in the result.</summary>
    public static PoolConfigResult Read(string text)
    {
        var yaml = YamlConfigReader.Read(text);
        if (yaml.Problems.Count == 0 && PastedObject.Find(yaml.Documents.Select(document => document.Root)) is { } pasted)
        {
            return new PoolConfigResult(null, [pasted]);
        }

        IReadOnlyList<ConfigProblem> problems = yaml.Documents.Count > 1 ? [.. yaml.Problems, SecondDocument(yaml.Documents[1])] : yaml.Problems;
        return problems.Count > 0
            ? new PoolConfigResult(null, problems)
            : PoolConfigReader.Read(yaml.Documents.Count == 0 ? null : yaml.Documents[0].Root);
    }

    private static ConfigProblem SecondDocument(YamlDocument document) => new(
        ConfigSeverity.Error, document.Line, document.Column, "", "the text has a second document",
        "remove the line '---' and put all pools under one 'address-pools'");
}
