using System.Diagnostics;
using System.Reflection;

namespace LoadBalancer.Hosting;

/// <summary>Which program this is.</summary>
public static class ProgramIdentity
{
    /// <summary>Its name.</summary>
    public static string Name => Assembly.GetEntryAssembly()?.GetName().Name ?? "loadbalancer";

    /// <summary>Its version, as <c>--version</c> tells it.</summary>
    public static string Version =>
        Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>When the process started, by the wall clock.</summary>
    public static DateTimeOffset StartedAt { get; } = new(Process.GetCurrentProcess().StartTime.ToUniversalTime());
}
