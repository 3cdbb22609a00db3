namespace LoadBalancer.Core.Pools;

/// <summary>Whether a problem keeps the configuration from being used.</summary>
public enum ConfigSeverity
{
    /// <summary>The configuration works; something in it is probably not what was meant.</summary>
    Warning,

    /// <summary>The configuration is refused as a whole; the last good one stays in force.</summary>
    Error,
}

/// <summary>One problem of a configuration document.</summary>
/// <param name="Severity">Whether the document is refused.</param>
/// <param name="Line">1-based line in the value of the ConfigMap's key.</param>
/// <param name="Column">1-based column.</param>
/// <param name="Path">Where in the document, as <c>address-pools[0].addresses[2]</c>; empty for the document itself.</param>
/// <param name="Message">What was found.</param>
/// <param name="Remedy">What would work.</param>
public sealed record ConfigProblem(ConfigSeverity Severity, int Line, int Column, string Path, string Message, string Remedy)
{
    /// <summary><c>line 3, column 5: address-pools[0].addresses[2]: message (remedy)</c>.</summary>
    public override string ToString() =>
        $"line {Line}, column {Column}: {(Path.Length == 0 ? "" : Path + ": ")}{Message} ({Remedy})";
}

/// <summary>What reading a configuration document came to.</summary>
/// <param name="Config">The configuration, or null if a problem is an error.</param>
/// <param name="Problems">All problems, in the order of the text.</param>
public sealed record PoolConfigResult(PoolConfig? Config, IReadOnlyList<ConfigProblem> Problems);
