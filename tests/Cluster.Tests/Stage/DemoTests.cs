using System.Globalization;
using System.Text.RegularExpressions;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.Cluster.Tests.Stage;

/// <summary><c>make demo</c> as a user runs it, with a node away for three seconds only, twice; in namespaces inside those of the tests.</summary>
public sealed partial class DemoTests(ClusterFixture fixture, ITestOutputHelper output)
{
    private const int Steps = 22;

    // A third of the connections goes to the pod on the lost node, and no node answers for a moment; far more would mean that nobody took over.
    private const double MostThatMayFail = 0.75;

    [Fact]
    public async Task Demo_EveryStepSucceeds_AndTheFiguresAreThoseOfANodeLost()
    {
        await fixture.CloseAsync();
        // It takes half a minute. Ended here, it still says where it was.
        ToolResult demo = Tool.Try("timeout", ["--kill-after=10", "150", Path.Combine(AppContext.BaseDirectory, "LoadBalancer.LocalCluster"), "demo", "--short"]);
        output.WriteLine(demo.Output);
        Assert.True(demo.ExitCode == 0, $"{demo.Errors}\n{demo.Output}");
        Assert.Equal(Steps, demo.Output.Split('\n').Count(line => line.StartsWith("  ✓ ", StringComparison.Ordinal)));

        Match[] figures = Figures().Matches(demo.Output).ToArray();
        Assert.Equal(2, figures.Length);
        Assert.All(figures, each =>
        {
            Assert.Equal(Number(each, "failed"), Number(each, "before") + Number(each, "later"));
            Assert.InRange(Number(each, "failed"), 1, Number(each, "of") * MostThatMayFail);
        });
        Assert.Matches(@"Kubernetes counts n\d's pod as ready for 40 s and more .* the proxies send it 1 in 3", demo.Output);
        Assert.Matches(@"none of the 2 pods that Kubernetes counts as ready is on n\d any more", demo.Output);

        Match usual = Compared("as Kubernetes has it").Match(demo.Output), marked = Compared("with --mark-lost-nodes").Match(demo.Output);
        Assert.True(usual.Success && marked.Success, demo.Output);
        Assert.Equal([Number(figures[0], "failed"), Number(figures[1], "failed")], [Number(usual, "failed"), Number(marked, "failed")]);

        // Until the cable is back in the one, for a second in the other.
        Assert.True(Number(marked, "last") < Number(usual, "last"), demo.Output);
    }

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    private static Regex Compared(string how) => new(
        $@"^  {how} +first answer after \d+ ms, last failure after (?<last>\d+) ms; (?<failed>\d+) of \d+ requests failed", RegexOptions.Multiline | RegexOptions.CultureInvariant);

    [GeneratedRegex(@"(?<failed>\d+) of (?<of>\d+) requests, one every \d+ ms, failed, the last one \d+ ms after the cable was pulled\s+(?<before>\d+) failed until n\d had the address, (?<later>\d+) later:")]
    private static partial Regex Figures();
}
