namespace LoadBalancer.Core.Pools;

/// <summary>The problems of one document while it is read: readers go on after each, so that the user sees all of them at once.</summary>
internal sealed class ConfigProblems
{
    private readonly List<ConfigProblem> _problems = [];

    /// <summary>Whether the document has to be refused.</summary>
    public bool HasErrors { get; private set; }

    public void Error(ConfigNode at, string path, string message, string remedy)
    {
        HasErrors = true;
        _problems.Add(new ConfigProblem(ConfigSeverity.Error, at.Line, at.Column, path, message, remedy));
    }

    public void Warn(ConfigNode at, string path, string message, string remedy) =>
        _problems.Add(new ConfigProblem(ConfigSeverity.Warning, at.Line, at.Column, path, message, remedy));

    public IReadOnlyList<ConfigProblem> InTextOrder() =>
        [.. _problems.OrderBy(problem => problem.Line).ThenBy(problem => problem.Column)];
}
