using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Hosting;
using LoadBalancer.Speaker.Answering.Kernel;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker;

/// <summary>The settings only the speaker has.</summary>
/// <param name="Node">This node's name in Kubernetes.</param>
/// <param name="InterfacesExclude">Regular expressions of interfaces that are no links.</param>
/// <param name="HeartbeatKeyFile">A file with the heartbeat key in place of the Secret, or null.</param>
/// <param name="HeartbeatKeyMount">A folder the Secret is mounted in as well, for a start without the API server; or null.</param>
/// <param name="HeartbeatInterval">Between heartbeats: 20 ms to 10 s.</param>
/// <param name="ProbeInterval">Between two looks at a free pool address: 1 s to 24 h; null for not looking.</param>
/// <param name="Grace">How long an address stays with a node whose speaker is away: up to 10 minutes; zero hands over at once.</param>
/// <param name="IgnoreExcludeLabel">Whether nodes with the exclude label are used all the same.</param>
/// <param name="Promiscuous">Regular expressions of links that are opened in promiscuous mode.</param>
/// <param name="Rebalance">Whether addresses are moved back, slowly, to the nodes that are first in their order.</param>
/// <param name="Kernel">Whether the kernel answers by itself.</param>
/// <param name="KernelPins">Where its maps are found again by the next run; null for nowhere.</param>
internal sealed record SpeakerOptions(
    string Node,
    IReadOnlyList<string> InterfacesExclude,
    string? HeartbeatKeyFile,
    string? HeartbeatKeyMount,
    TimeSpan HeartbeatInterval,
    TimeSpan? ProbeInterval,
    TimeSpan Grace,
    bool IgnoreExcludeLabel,
    IReadOnlyList<string> Promiscuous,
    bool Rebalance,
    KernelUse Kernel,
    string? KernelPins)
{
    /// <summary>Adds the speaker's flags to a command; the result reads them.</summary>
    public static Func<ParseResult, SpeakerOptions> AddTo(ProgramCommand command)
    {
        var node = command.Add<string?>("--node-name", "NAME",
            "This node's name in Kubernetes. Default: $NODE_NAME, then the host name in lower case.", null, ParseNode);
        var exclude = command.Add<IReadOnlyList<string>>("--interfaces-exclude", "REGEX,…",
            "Interfaces no address is announced on, in place of the default list; regular expressions separated by commas, and kind:KIND for a kind of interface.",
            string.Join(',', LinkSelection.DefaultExclude), ParsePatterns);
        var promiscuous = command.Add<IReadOnlyList<string>>("--promiscuous", "REGEX,…",
            "Interfaces to open in promiscuous mode, for Wi-Fi chips that drop requests for addresses they do not have; regular expressions separated by commas.",
            "", ParsePatterns);
        var ignoreExcludeLabel = command.AddSwitch("--ignore-exclude-label",
            "Use nodes that carry node.kubernetes.io/exclude-from-external-load-balancers, as the one node of a new cluster does. The same on all nodes.",
            "--ignore-exclude-lb");
        var keyFile = command.Add<string?>("--heartbeat-key-file", "FILE",
            "Read the heartbeat key from this file instead of the Secret.", null, ProgramCommand.NotEmpty);
        var keyMount = command.Add<string?>("--heartbeat-key-mount", "FOLDER",
            "Where the Secret is mounted as well. Read by a speaker that starts while the API server does not answer.", null, ProgramCommand.NotEmpty);
        var interval = command.Add("--heartbeat-interval", "DURATION",
            "Time between heartbeats; a node is gone after three and a half. The same on all nodes.", "100ms", Checked(ParseInterval));
        var probing = command.Add("--probe-interval", "DURATION",
            "How often the pool addresses that come next are asked for, so that none is given out that another host has; off for never.",
            "5m", Checked(ParseProbeInterval));
        var grace = command.Add("--grace", "DURATION",
            "How long an address stays with a node whose speaker is away while the node itself answers; another speaker answers for it. The same on all nodes.",
            "30s", Checked(ParseGrace));
        var rebalance = command.Add("--rebalance", "true|false",
            "Move addresses back to the nodes they would be on had none ever failed: one a minute, without a gap.", "false", ProgramCommand.ParseBool);
        var kernel = command.Add("--kernel", "auto|on|off",
            "Let the kernel answer by itself and keep connections when an address moves: where it can, always, or not. Needs the capabilities BPF and NET_ADMIN.",
            "auto", ParseKernel);
        var kernelPins = command.Add<string?>("--kernel-pins", "FOLDER",
            "A folder of the BPF file system, in which the next run finds which connections began where.", "/sys/fs/bpf/loadbalancer", ProgramCommand.NotEmpty);
        return parsed => new SpeakerOptions(
            parsed.GetValue(node) ?? DefaultNode(), parsed.GetValue(exclude)!, parsed.GetValue(keyFile), parsed.GetValue(keyMount), ParseInterval(parsed.GetValue(interval)!),
            ParseProbeInterval(parsed.GetValue(probing)!), ParseGrace(parsed.GetValue(grace)!), parsed.GetValue(ignoreExcludeLabel), parsed.GetValue(promiscuous)!,
            parsed.GetValue(rebalance), parsed.GetValue(kernel), parsed.GetValue(kernelPins));
    }

    private static string DefaultNode() =>
        Environment.GetEnvironmentVariable("NODE_NAME") is { Length: > 0 } name ? name : Environment.MachineName.ToLowerInvariant();

    private static KernelUse ParseKernel(string text) => text switch
    {
        "auto" => KernelUse.Auto,
        "on" => KernelUse.On,
        "off" => KernelUse.Off,
        _ => throw new FormatException("is none of auto, on, off"),
    };

    private static string ParseNode(string text) =>
        text.Length is >= 1 and <= HeartbeatLayout.MaxNodeName && text.All(c => c is > ' ' and <= '~')
            ? text
            : throw new FormatException("is not the name of a node, such as node-1");

    private static IReadOnlyList<string> ParsePatterns(string text)
    {
        var patterns = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var pattern in patterns)
        {
            try
            {
                _ = new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)
            {
                throw new FormatException($"contains '{pattern}', which is not a regular expression: {e.Message.TrimEnd('.')}", e);
            }
        }

        return patterns;
    }

    internal static TimeSpan? ParseProbeInterval(string text)
    {
        if (text == "off")
        {
            return null;
        }

        var unit = text.Length == 0 ? 0.0 : text[^1] switch { 's' => 1.0, 'm' => 60.0, 'h' => 3600.0, _ => 0.0 };
        return double.TryParse(text.AsSpan(0, Math.Max(0, text.Length - 1)), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            && value * unit is >= 1 and <= 86_400
                ? TimeSpan.FromSeconds(value * unit)
                : throw new FormatException("is neither off nor a time between 1s and 24h, such as 5m");
    }

    // Durations are kept as they were written, so that --help shows the default as one would write it.
    private static Func<string, string> Checked<T>(Func<string, T> parse) => text =>
    {
        _ = parse(text);
        return text;
    };

    internal static TimeSpan ParseInterval(string text) => ParseDuration(text, 20, 10_000, "is not a time between 20ms and 10s, such as 100ms or 0.5s");

    internal static TimeSpan ParseGrace(string text) => ParseDuration(text, 0, 600_000, "is not a time between 0s and 600s, such as 30s");

    private static TimeSpan ParseDuration(string text, double least, double most, string problem)
    {
        var (number, unit) = text.EndsWith("ms", StringComparison.Ordinal) ? (text[..^2], 1.0)
            : text.EndsWith('s') ? (text[..^1], 1000.0)
            : ("", 0.0);
        return double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            && value * unit >= least && value * unit <= most
                ? TimeSpan.FromMilliseconds(value * unit)
                : throw new FormatException(problem);
    }
}
