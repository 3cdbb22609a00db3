using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Programs;
using LocalClusterOf = LoadBalancer.LocalCluster.Cluster;

namespace LoadBalancer.Cluster.Tests.Stack;

/// <summary>
/// The series of the running programs as a Prometheus with the shipped configuration gets them, for <c>promtool test rules</c>: each program
/// is scraped every ten seconds, each at another moment, and a series that a scrape has no more is stale.
/// </summary>
internal sealed partial class RecordedSeries(LocalClusterOf cluster, IReadOnlySet<string> metrics)
{
    private const int ScrapeEvery = 10;

    private readonly Dictionary<string, SortedDictionary<int, string>> _series = [];
    private readonly Dictionary<string, HashSet<string>> _seenOf = [];
    private int _now;

    /// <summary>The metrics that the shipped rules ask for.</summary>
    public static HashSet<string> OfRules() =>
        [.. OurMetric().Matches(File.ReadAllText(Rules)).Select(match => match.Value), "up"];

    private static string Rules => Path.Combine(ProgramFile.Root, "manifests/monitoring/prometheus/prometheus.rules");

    /// <summary>How much was recorded, in seconds.</summary>
    public int Seconds => _now;

    /// <summary>How many series were recorded.</summary>
    public int Count => _series.Count;

    /// <summary>Records for some seconds.</summary>
    public async Task RecordAsync(int seconds, CancellationToken cancel)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromSeconds(1), TimeProvider.System);
        for (int end = _now + seconds; _now < end; _now++)
        {
            Target[] targets =
            [
                .. cluster.Nodes.Select(node => new Target("loadbalancer-speaker", node, $"speaker-{node.Name}")),
                .. cluster.Nodes.Select(node => new Target("loadbalancer-controller", node, $"controller-{node.Name}")).Where(target => cluster.Programs.Running.ContainsKey(target.Program)),
            ];
            for (int i = 0; i < targets.Length; i++)
            {
                if (_now % ScrapeEvery == 3 * i % ScrapeEvery)
                {
                    await ScrapeAsync(targets[i]);
                }
            }

            await tick.WaitForNextTickAsync(cancel);
        }
    }

    /// <summary>Records while something is done, and a scrape longer.</summary>
    public async Task RecordAsync(Task done, CancellationToken cancel)
    {
        while (!done.IsCompleted)
        {
            await RecordAsync(1, cancel);
        }

        await done;
        await RecordAsync(ScrapeEvery, cancel);
    }

    /// <summary>What the rules say of what was recorded; after its end everything goes on as it was last.</summary>
    /// <param name="goesOnFor">For how long, in seconds.</param>
    /// <param name="queries">What is asked when, in seconds since the beginning, and the value that is expected; null for no data.</param>
    /// <returns>What promtool says; empty if all is as expected.</returns>
    public string Judge(int goesOnFor, IEnumerable<(string Query, int At, double? Value)> queries)
    {
        var test = new JsonObject
        {
            ["rule_files"] = new JsonArray(Rules),
            ["evaluation_interval"] = "10s",
            ["tests"] = new JsonArray(new JsonObject
            {
                ["interval"] = "1s",
                ["input_series"] = new JsonArray([.. _series.Select(series => new JsonObject { ["series"] = series.Key, ["values"] = ValuesOf(series.Value, goesOnFor) })]),
                ["promql_expr_test"] = new JsonArray([.. queries.Select(query => new JsonObject
                {
                    ["expr"] = query.Query,
                    ["eval_time"] = $"{query.At}s",
                    ["exp_samples"] = query.Value is { } value ? new JsonArray(new JsonObject { ["labels"] = "{}", ["value"] = value }) : [],
                })]),
            }),
        };
        string path = Path.Combine(Path.GetTempPath(), $"{Path.GetRandomFileName()}.yml");
        File.WriteAllText(path, test.ToJsonString());
        ToolResult result = Tool.Try("promtool", ["test", "rules", path]);
        File.Delete(path);
        return result.ExitCode == 0 ? "" : result.Output + result.Errors;
    }

    /// <summary>Changes a label of the series of one node, as if its program said something else.</summary>
    public void Relabel(string node, string metric, string label, string value)
    {
        foreach (string key in _series.Keys.Where(key => key.StartsWith($"{metric}{{", StringComparison.Ordinal) && key.Contains($"node=\"{node}\"", StringComparison.Ordinal)).ToList())
        {
            _series.Remove(key, out SortedDictionary<int, string>? samples);
            _series[Regex.Replace(key, $"\\b{label}=\"[^\"]*\"", $"{label}=\"{value}\"")] = samples!;
        }
    }

    private string ValuesOf(SortedDictionary<int, string> samples, int goesOnFor)
    {
        var text = new StringBuilder();
        string last = "stale";
        for (int second = 0; second < _now + goesOnFor; second++)
        {
            bool hasSample = samples.TryGetValue(second, out string? sample);
            last = sample ?? last;
            text.Append(hasSample ? sample : second >= _now && last != "stale" && second % ScrapeEvery == 0 ? last : "_").Append(' ');
        }

        return text.ToString();
    }

    private async Task ScrapeAsync(Target target)
    {
        string labels = $"job=\"{target.Job}\",instance=\"{target.Node.Host.Address}\",node=\"{target.Node.Name}\"";
        (bool answered, string body) = cluster.Programs.Running.TryGetValue(target.Program, out ProgramProcess? program) && !program.HasExited
            ? await ClusterPrograms.GetAsync(program, "metrics")
            : (false, "");
        HashSet<string> now = [];
        foreach (Match line in Line().Matches(answered ? body : ""))
        {
            if (metrics.Contains(line.Groups["name"].Value))
            {
                string own = line.Groups["labels"].Value;
                string key = $"{line.Groups["name"].Value}{{{labels}{(own.Length > 0 ? "," : "")}{own}}}";
                now.Add(key);
                Add(key, line.Groups["value"].Value);
            }
        }

        Add($"up{{{labels}}}", answered ? "1" : "0");
        foreach (string gone in _seenOf.GetValueOrDefault(target.Program, []).Except(now))
        {
            Add(gone, "stale");
        }

        _seenOf[target.Program] = now;
    }

    private void Add(string key, string value)
    {
        if (!_series.TryGetValue(key, out SortedDictionary<int, string>? samples))
        {
            _series.Add(key, samples = []);
        }

        samples[_now] = value;
    }

    private sealed record Target(string Job, Node Node, string Program);

    [GeneratedRegex(@"^(?<name>[a-z_]+)(?:\{(?<labels>[^}]*)\})? (?<value>\S+)$", RegexOptions.Multiline)]
    private static partial Regex Line();

    [GeneratedRegex(@"\bloadbalancer_[a-z_]+\b")]
    private static partial Regex OurMetric();
}
