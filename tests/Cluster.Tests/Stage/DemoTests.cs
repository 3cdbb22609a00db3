using System.Globalization;
using System.Text.RegularExpressions;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.Cluster.Tests.Stage;

/// <summary><c>make demo</c> as a user runs it, with a node away for three seconds only; in namespaces inside those of the tests.</summary>
public sealed partial class DemoTests(ClusterFixture fixture, ITestOutputHelper output)
{
    private const int Steps = 14;

    // A third of the connections goes to the pod on the lost node, and no node answers for a moment; far more would mean that nobody took over.
    private const double MostThatMayFail = 0.75;

    [Fact]
    public async Task Demo_EveryStepSucceeds_AndTheFiguresAreThoseOfANodeLost()
    {
        await fixture.CloseAsync();
        // It takes 15 s. Ended here, it still says where it was.
        ToolResult demo = Tool.Try("timeout", ["--kill-after=10", "150", Path.Combine(AppContext.BaseDirectory, "LoadBalancer.LocalCluster"), "demo", "--short"]);
        output.WriteLine(demo.Output);
        Assert.True(demo.ExitCode == 0, $"{demo.Errors}\n{demo.Output}");
        Assert.Equal(Steps, demo.Output.Split('\n').Count(line => line.StartsWith("  ✓ ", StringComparison.Ordinal)));

        Match figures = Figures().Match(demo.Output);
        Assert.True(figures.Success, demo.Output);
        int failed = Number(figures, "failed"), of = Number(figures, "of"), before = Number(figures, "before"), later = Number(figures, "later");
        Assert.Equal(failed, before + later);
        Assert.InRange(failed, 1, of * MostThatMayFail);
        Assert.Matches(@"Kubernetes counts n\d's pod as ready for 40 s and more .* the proxies send it 1 in 3", demo.Output);
    }

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(?<failed>\d+) of (?<of>\d+) requests, one every \d+ ms, failed, the last one \d+ ms after the cable was pulled\s+(?<before>\d+) failed until n\d had the address, (?<later>\d+) later:")]
    private static partial Regex Figures();
}
