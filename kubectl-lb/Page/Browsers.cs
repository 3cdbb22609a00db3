using System.ComponentModel;
using System.Diagnostics;

namespace LoadBalancer.Kubectl.Page;

/// <summary>The user's browser.</summary>
internal static class Browsers
{
    /// <summary>What opens an address on this machine; null where there is no screen, as over SSH.</summary>
    /// <param name="variable">The environment.</param>
    public static string? Find(Func<string, string?> variable) =>
        OperatingSystem.IsMacOS() ? "open"
        : OperatingSystem.IsWindows() ? "explorer"
        : variable("DISPLAY") is { Length: > 0 } || variable("WAYLAND_DISPLAY") is { Length: > 0 } ? "xdg-open"
        : null;

    /// <summary>Opens an address, if it can be: it was written in any case.</summary>
    public static void Open(string url)
    {
        if (Find(Environment.GetEnvironmentVariable) is { } program)
        {
            try
            {
                using var process = Process.Start(new ProcessStartInfo(program, [url]) { RedirectStandardOutput = true, RedirectStandardError = true });
            }
            catch (Win32Exception)
            {
                // There is none.
            }
        }
    }
}
