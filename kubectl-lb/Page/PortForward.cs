using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using LoadBalancer.Kubectl.Commands;

namespace LoadBalancer.Kubectl.Page;

/// <summary>How a way to a pod ended.</summary>
/// <param name="Port">The port of this machine that led there; null if it never did.</param>
/// <param name="Said">What was said of it.</param>
internal sealed record ForwardEnd(int? Port, string Said);

/// <summary>
/// A port of this machine that leads to one of a pod, by <c>kubectl port-forward</c>: it knows every way in which a kubeconfig may say who asks, and
/// reaches what a program serves on its loopback address only.
/// </summary>
/// <param name="kubectl">The program.</param>
/// <param name="connection">The flags that say which cluster is meant.</param>
internal sealed partial class PortForward(string kubectl, IReadOnlyList<string> connection)
{
    /// <summary>Leads there until the pod is gone, or it is cancelled.</summary>
    /// <param name="space">The pod's namespace.</param>
    /// <param name="pod">The pod.</param>
    /// <param name="localPort">The port of this machine; 0 for any that is free.</param>
    /// <param name="podPort">The pod's.</param>
    /// <param name="opened">Told the port of this machine, when the way is open.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="UsageException">There is no such program.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<ForwardEnd> RunAsync(string space, string pod, int localPort, int podPort, Action<int> opened, CancellationToken stop)
    {
        var ports = string.Create(CultureInfo.InvariantCulture, $"{(localPort == 0 ? "" : localPort)}:{podPort}");
        using var process = Start(["port-forward", .. connection, "--namespace", space, "--address", "127.0.0.1", $"pod/{pod}", ports]);
        try
        {
            var said = process.StandardError.ReadToEndAsync(stop);
            int? port = null;
            while (await process.StandardOutput.ReadLineAsync(stop).ConfigureAwait(false) is { } line)
            {
                if (port is null && Forwarding().Match(line) is { Success: true } match)
                {
                    port = int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
                    opened(port.Value);
                }
            }

            return new ForwardEnd(port, (await said.ConfigureAwait(false)).Trim());
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    private Process Start(IEnumerable<string> arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(kubectl, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception e)
        {
            throw new UsageException($"kubectl, which leads the way to the pod, could not be run: {e.Message}", e);
        }
    }

    [GeneratedRegex(@"^Forwarding from 127\.0\.0\.1:(\d+) ->")]
    private static partial Regex Forwarding();
}
