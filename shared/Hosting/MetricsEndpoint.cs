using System.Text;
using Microsoft.AspNetCore.Http;
using Prometheus;

namespace LoadBalancer.Hosting;

/// <summary>
/// What is answered at <c>/metrics</c>: the counters and gauges that are kept, then the series that are made when somebody asks. One for each
/// of thousands of addresses, kept as an object, would take more memory than all else that is known of the address.
/// </summary>
public sealed class MetricsEndpoint
{
    private const int FlushAt = 16 * 1024;

    private volatile Func<IEnumerable<string>>[] sources = [];

    /// <summary>Adds series that are made at each scrape.</summary>
    /// <param name="source">The lines of a family in the text format, its <c># HELP</c> and <c># TYPE</c> first, without line ends. Called by any thread.</param>
    public void Add(Func<IEnumerable<string>> source) => sources = [.. sources, source];

    /// <summary>The lines of one family of gauges.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="help">What it is, in a sentence.</param>
    /// <param name="labels">The names of its labels.</param>
    /// <param name="series">The values of the labels of each series, whose value is 1.</param>
    public static IEnumerable<string> Ones(string name, string help, string[] labels, IEnumerable<string[]> series)
    {
        yield return $"# HELP {name} {help}";
        yield return $"# TYPE {name} gauge";
        var line = new StringBuilder();
        foreach (var values in series)
        {
            line.Clear().Append(name).Append('{');
            for (var i = 0; i < labels.Length; i++)
            {
                line.Append(i == 0 ? "" : ",").Append(labels[i]).Append("=\"").Append(Escaped(values[i])).Append('"');
            }

            yield return line.Append("} 1").ToString();
        }
    }

    /// <summary>Writes the answer.</summary>
    internal async Task AnswerAsync(HttpContext context)
    {
        var response = context.Response;
        response.ContentType = PrometheusConstants.TextContentType;
        await Metrics.DefaultRegistry.CollectAndExportAsTextAsync(response.Body, context.RequestAborted).ConfigureAwait(false);
        var writer = response.BodyWriter;
        foreach (var line in sources.SelectMany(static source => source()))
        {
            Encoding.UTF8.GetBytes(line, writer);
            "\n"u8.CopyTo(writer.GetSpan(1));
            writer.Advance(1);
            if (writer.UnflushedBytes >= FlushAt)
            {
                await writer.FlushAsync(context.RequestAborted).ConfigureAwait(false);
            }
        }

        await writer.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    // Prometheus exposition formats, "Comments, help text, and type information".
    private static string Escaped(string value) => value.AsSpan().IndexOfAny('\\', '"', '\n') < 0
        ? value
        : value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
