using LoadBalancer.Core.Pools;

namespace LoadBalancer.Kubernetes.Configuration;

/// <summary>The pool configuration as it is written: YAML, then <see cref="PoolConfigReader"/>.</summary>
public static class PoolConfigText
{
    /// <summary>Reads the value of the ConfigMap's key. Never throws: what is wrong with the text is in the result.</summary>
    public static PoolConfigResult Read(string text)
    {
        var yaml = YamlConfigReader.Read(text);
        return yaml.Problems.Count > 0 ? new PoolConfigResult(null, yaml.Problems) : PoolConfigReader.Read(yaml.Root);
    }
}
