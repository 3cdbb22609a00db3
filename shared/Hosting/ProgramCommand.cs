using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Net;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Hosting;

/// <summary>
/// A program's command line. Every flag can also be set in the environment: <c>--log-level</c> is <c>LB_LOG_LEVEL</c>; the flag wins.
/// </summary>
public sealed class ProgramCommand
{
    private readonly RootCommand root;
    private readonly List<Action> describeDefaults = [];
    private readonly Option<string?> kubeconfig;
    private readonly Option<string> @namespace;
    private readonly Option<string> configMap;
    private readonly Option<string?> loadBalancerClass;
    private readonly Option<LogLevel> logLevel;
    private readonly Option<IPEndPoint> listen;
    private readonly Option<IPEndPoint?> secureMetrics;
    private readonly Option<string?> secureMetricsCertificate;

    /// <summary>A command with the flags both programs have.</summary>
    /// <param name="description">One sentence for <c>--help</c>.</param>
    /// <param name="defaultListen">Where health and metrics are served unless <c>--listen</c> says otherwise.</param>
    public ProgramCommand(string description, string defaultListen)
    {
        root = new RootCommand(description);
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            help.Action = new Help((SynchronousCommandLineAction)help.Action!, () => describeDefaults.ForEach(static describe => describe()));
        }

        kubeconfig = Add<string?>("--kubeconfig", "FILE",
            "How to reach the API server. Default: in-cluster, then $KUBECONFIG, then ~/.kube/config.", null, NotEmpty);
        @namespace = Add("--namespace", "NAME",
            "Namespace of the ConfigMap, the heartbeat key and the Leases.", "loadbalancer-system", NotEmpty);
        configMap = Add("--config-map", "NAME",
            "Name of the ConfigMap with the address pools.", "config", NotEmpty);
        loadBalancerClass = Add<string?>("--lb-class", "CLASS",
            "Serve only Services of this spec.loadBalancerClass. Default: those without a class.", null, NotEmpty);
        logLevel = Add("--log-level", "LEVEL",
            "trace, debug, info, warning, error or critical.", "info", ParseLogLevel);
        listen = Add("--listen", "HOST:PORT",
            "Where /healthz, /readyz, /metrics and /status are served.", defaultListen, ParseEndpoint);
        secureMetrics = Add<IPEndPoint?>("--secure-metrics", "HOST:PORT",
            "Serve /metrics here, over TLS, to those whom the API server lets; at --listen everything but the probes is then told on loopback only.", null, ParseEndpoint);
        secureMetricsCertificate = Add<string?>("--secure-metrics-certificate", "FOLDER",
            "Where tls.crt and tls.key for that are; read again when they change. Default: a certificate the program signs itself.", null, NotEmpty);
    }

    /// <summary>Adds a flag of the program's own.</summary>
    /// <typeparam name="T">What it is read into.</typeparam>
    /// <param name="name">With its dashes: <c>--node-name</c>.</param>
    /// <param name="valueName">What <c>--help</c> calls the value.</param>
    /// <param name="description">A sentence for <c>--help</c>.</param>
    /// <param name="defaultText">The default as it would be written, or null for none.</param>
    /// <param name="parse">Reads the text; a <see cref="FormatException"/>'s message says what would work.</param>
    public Option<T> Add<T>(string name, string valueName, string description, string? defaultText, Func<string, T> parse)
    {
        var variable = "LB_" + name.TrimStart('-').Replace('-', '_').ToUpperInvariant();
        var option = new Option<T>(name)
        {
            HelpName = valueName,
            Description = $"{description} [${variable}]",
            Arity = ArgumentArity.ExactlyOne,
            CustomParser = result => Read(result, name, result.Tokens[0].Value, parse),
        };
        option.DefaultValueFactory = result => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text
            ? Read(result, variable, text, parse)
            : defaultText is null ? default! : Read(result, name, defaultText, parse);
        describeDefaults.Add(() =>
        {
            option.DefaultValueFactory = null;
            option.Description += defaultText is { Length: > 0 } ? $" [default: {defaultText}]" : "";
        });
        root.Options.Add(option);
        return option;
    }

    /// <summary>Adds a flag that is on when it is given, off by default: <c>--flag</c>, <c>--flag true</c>, <c>--flag=false</c>.</summary>
    /// <param name="name">With its dashes.</param>
    /// <param name="description">A sentence for <c>--help</c>.</param>
    /// <param name="aliases">Other names it has, with their dashes.</param>
    public Option<bool> AddSwitch(string name, string description, params string[] aliases)
    {
        var option = Add(name, "true|false", description, "false", ParseBool);
        option.Arity = ArgumentArity.ZeroOrOne;
        option.CustomParser = result => result.Tokens.Count == 0 || Read(result, name, result.Tokens[0].Value, ParseBool);
        foreach (var alias in aliases)
        {
            option.Aliases.Add(alias);
        }

        return option;
    }

    /// <summary>
    /// Reads the arguments and runs the program; answers <c>--help</c> and <c>--version</c>; bad arguments go to standard error.
    /// </summary>
    /// <param name="args">The arguments.</param>
    /// <param name="run">The program.</param>
    /// <param name="output">Where <c>--help</c> goes; null for standard output.</param>
    /// <returns>The exit status: 2 for bad arguments, else what <paramref name="run"/> returned.</returns>
    public async Task<int> RunAsync(string[] args, Func<CommonOptions, ParseResult, Task<int>> run, TextWriter? output = null)
    {
        root.SetAction((parsed, _) => run(Common(parsed), parsed));
        var result = root.Parse(args);
        if (result.Errors.Count > 0)
        {
            foreach (var error in result.Errors)
            {
                await Console.Error.WriteLineAsync(error.Message).ConfigureAwait(false);
            }

            await Console.Error.WriteLineAsync("Try --help.").ConfigureAwait(false);
            return 2;
        }

        // The host handles SIGTERM itself, in order; the library's own handling would cut it short.
        var configuration = new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false, Output = output ?? Console.Out };
        return await result.InvokeAsync(configuration).ConfigureAwait(false);
    }

    /// <summary>A parser for text that must not be empty.</summary>
    public static string NotEmpty(string text) =>
        text.Length > 0 ? text : throw new FormatException("must not be empty");

    /// <summary>A parser for <c>true</c> and <c>false</c>.</summary>
    public static bool ParseBool(string text) =>
        bool.TryParse(text, out var value) ? value : throw new FormatException("is neither true nor false");

    /// <summary>A parser for <c>host:port</c> with an IP address or nothing as host: <c>:7472</c> listens on every address.</summary>
    public static IPEndPoint ParseEndpoint(string text)
    {
        var candidate = text.StartsWith(':') ? "[::]" + text : text;
        return IPEndPoint.TryParse(candidate, out var endpoint) && candidate.EndsWith($":{endpoint.Port}", StringComparison.Ordinal)
            ? endpoint
            : throw new FormatException("is not ADDRESS:PORT, such as 127.0.0.1:7472, [::1]:7472 or :7472");
    }

    private static LogLevel ParseLogLevel(string text) => text.ToUpperInvariant() switch
    {
        "TRACE" => LogLevel.Trace,
        "DEBUG" => LogLevel.Debug,
        "INFO" or "INFORMATION" => LogLevel.Information,
        "WARN" or "WARNING" => LogLevel.Warning,
        "ERROR" => LogLevel.Error,
        "CRITICAL" => LogLevel.Critical,
        _ => throw new FormatException("is none of trace, debug, info, warning, error, critical"),
    };

    private static T Read<T>(SymbolResult result, string source, string text, Func<string, T> parse)
    {
        try
        {
            return parse(text);
        }
        catch (FormatException e)
        {
            result.AddError($"{source}: '{text}' {e.Message}.");
            return default!;
        }
    }

    private CommonOptions Common(ParseResult parsed) => new()
    {
        Kubeconfig = parsed.GetValue(kubeconfig),
        Namespace = parsed.GetValue(@namespace)!,
        ConfigMap = parsed.GetValue(configMap)!,
        LoadBalancerClass = parsed.GetValue(loadBalancerClass),
        LogLevel = parsed.GetValue(logLevel),
        Listen = parsed.GetValue(listen)!,
        SecureMetrics = parsed.GetValue(secureMetrics),
        SecureMetricsCertificate = parsed.GetValue(secureMetricsCertificate),
    };

    // The library shows a default as the value it was read into, which is not what could be written: Auto, [::]:7473, lists with bars.
    private sealed class Help(SynchronousCommandLineAction shown, Action before) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            before();
            return shown.Invoke(parseResult);
        }
    }
}
