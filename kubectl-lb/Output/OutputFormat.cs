namespace LoadBalancer.Kubectl.Output;

/// <summary>How an answer is written.</summary>
internal enum OutputFormat
{
    /// <summary>Tables and sentences for people.</summary>
    Text,

    /// <summary>JSON for scripts.</summary>
    Json,

    /// <summary>YAML for scripts.</summary>
    Yaml,

    /// <summary>Commands of GitHub's workflow log, which shows them at the lines of a pull request.</summary>
    GitHub,
}

/// <summary>The exit status.</summary>
internal static class Exit
{
    /// <summary>All is well.</summary>
    public const int Well = 0;

    /// <summary>Something is wrong.</summary>
    public const int Wrong = 1;

    /// <summary>The command was used wrongly, or could not do its work.</summary>
    public const int Misused = 2;
}
