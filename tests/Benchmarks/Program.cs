using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using LoadBalancer.Benchmarks;
using LoadBalancer.Benchmarks.Idle;
using LoadBalancer.Benchmarks.Scale;
using LoadBalancer.Benchmarks.Wire;
using Perfolizer.Horology;

// Arguments are BenchmarkDotNet's: `--filter '*Answering*'`, `--job dry`, `--list flat`. Without any: all, briefly. `latency` alone: how long a link's thread waits for the others.
// `idle`: what a speaker costs while nothing happens. `scale`: many Services.
if (args is ["idle", ..])
{
    return IdleCost.Run(args);
}

// `wire`: what clients see of it.
if (args is ["wire", ..])
{
    return WireCost.Run(args);
}

// `scale`: many Services.
if (args is ["scale", ..])
{
    return ScaleRun.Run(args);
}

if (args is ["latency"])
{
    LinkThreadLatency.Run();
    return 0;
}

var config = ManualConfig.CreateEmpty()
    .AddColumnProvider(DefaultColumnProviders.Instance)
    .AddLogger(ConsoleLogger.Default)
    .AddExporter(MarkdownExporter.GitHub)
    .WithOptions(ConfigOptions.JoinSummary)
    .WithArtifactsPath(Path.Combine(AppContext.BaseDirectory, "results"));
if (!args.Contains("--job"))
{
    // In this process: a project generated and built per run would not follow this repository's build settings.
    // Many short iterations, so that the median stands on a machine that does other things as well.
    config.AddJob(Job.Default
        .WithToolchain(InProcessEmitToolchain.Instance)
        .WithIterationTime(TimeInterval.FromMilliseconds(100))
        .WithWarmupCount(5)
        .WithIterationCount(25));
}

var summaries = BenchmarkSwitcher
    .FromAssembly(typeof(AnsweringBenchmarks).Assembly)
    .Run(args.Length == 0 ? ["--filter", "*"] : args, config)
    .ToList();
if (args.Length == 0)
{
    LinkThreadLatency.Run();
}

AnsweringRatio.Print(summaries.SelectMany(summary => summary.Reports));
return summaries.Exists(summary => summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success)) ? 1 : 0;

/// <summary>Says in one line what the answering benchmark is for: the cost does not grow with the number of VIPs.</summary>
internal static class AnsweringRatio
{
    internal static void Print(IEnumerable<BenchmarkReport> reports)
    {
        var all = reports.ToList();
        Print(all, "ARP", nameof(AnsweringBenchmarks.Answer));
        Print(all, "NDP", nameof(AnsweringBenchmarks.AnswerNdp));
    }

    private static void Print(IEnumerable<BenchmarkReport> reports, string protocol, string method)
    {
        var byVips = reports
            .Where(report => report.BenchmarkCase.Descriptor.WorkloadMethod.Name == method && report.ResultStatistics is not null)
            .ToDictionary(report => (int)report.BenchmarkCase.Parameters[nameof(AnsweringBenchmarks.Vips)]);
        if (byVips.TryGetValue(1, out var one) && byVips.TryGetValue(10_000, out var many))
        {
            Console.WriteLine(FormattableString.Invariant(
                $"An {protocol} answer with 10,000 VIPs costs {many.ResultStatistics!.Median / one.ResultStatistics!.Median:0.00} times one with a single VIP by the median ")
                + FormattableString.Invariant($"({many.ResultStatistics.Median:0.0} ns, {one.ResultStatistics.Median:0.0} ns) ")
                + FormattableString.Invariant($"and allocates {many.GcStats.GetBytesAllocatedPerOperation(many.BenchmarkCase) ?? 0} B."));
        }
    }
}
