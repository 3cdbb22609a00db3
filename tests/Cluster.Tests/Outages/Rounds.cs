using System.Globalization;

namespace LoadBalancer.Cluster.Tests.Outages;

/// <summary>Figures of a scenario over some rounds: one in a test run, <c>LB_CHAOS_ROUNDS</c> of them in <c>make chaos</c>.</summary>
public sealed class Rounds
{
    private readonly Dictionary<string, List<double>> _figures = [];

    /// <summary>How many rounds to run.</summary>
    public static int Count => Number("LB_CHAOS_ROUNDS", 1);

    /// <summary>A setting of the run.</summary>
    public static int Number(string variable, int usual) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : usual;

    /// <summary>Notes a figure of a round, in milliseconds.</summary>
    public void Add(string what, TimeSpan figure)
    {
        if (!_figures.TryGetValue(what, out List<double>? list))
        {
            _figures.Add(what, list = []);
        }

        list.Add(figure.TotalMilliseconds);
    }

    /// <summary>The figure, or min, median and 95th percentile of several.</summary>
    public override string ToString() => string.Join("; ", _figures.Select(entry => $"{entry.Key} {Summary(entry.Value)}"));

    private static string Summary(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 1
            ? $"{sorted[0]:0} ms"
            : $"min {sorted[0]:0} / median {At(sorted, 0.5):0} / p95 {At(sorted, 0.95):0} / max {sorted[^1]:0} ms over {sorted.Length} rounds";
    }

    private static double At(double[] sorted, double part) => sorted[(int)Math.Ceiling(part * sorted.Length) - 1];
}
