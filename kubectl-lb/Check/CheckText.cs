using System.Globalization;
using LoadBalancer.Kubectl.Output;

namespace LoadBalancer.Kubectl.Check;

/// <summary>The problems of files for people, and for GitHub's workflow log.</summary>
internal static class CheckText
{
    /// <summary><c>FILE:LINE:COLUMN: error: …</c>, which editors understand.</summary>
    public static string Of(CheckReport report, bool isColoured)
    {
        var paper = new Paper(isColoured);
        foreach (var problem in report.Problems)
        {
            paper.Line(string.Create(CultureInfo.InvariantCulture, $"{problem.File}:{problem.Line}:{problem.Column}: {problem.Severity}: {(problem.Path.Length > 0 ? problem.Path + ": " : "")}{problem.Message}"),
                problem.Severity == "error" ? Tone.Wrong : Tone.Notice).Line($"    {problem.Remedy}");
        }

        return paper.Line(string.Create(CultureInfo.InvariantCulture, $"{report.Pools} pools, {report.Services} Services, {report.Problems.Count} problems"),
            report.Well ? Tone.Well : Tone.Wrong).ToString();
    }

    /// <summary>Workflow commands (GitHub Actions: "Workflow commands", <c>error</c> and <c>warning</c>).</summary>
    public static string ForGitHub(CheckReport report) => string.Concat(report.Problems.Select(static problem => string.Create(CultureInfo.InvariantCulture,
        $"::{problem.Severity} file={Property(problem.File)},line={problem.Line},col={problem.Column},title={Property(problem.Path.Length > 0 ? problem.Path : "address pools")}::{Data($"{problem.Message} ({problem.Remedy})")}\n")));

    private static string Data(string text) => text.Replace("%", "%25", StringComparison.Ordinal).Replace("\r", "%0D", StringComparison.Ordinal).Replace("\n", "%0A", StringComparison.Ordinal);

    private static string Property(string text) => Data(text).Replace(":", "%3A", StringComparison.Ordinal).Replace(",", "%2C", StringComparison.Ordinal);
}
