using System.Collections.Concurrent;

namespace LoadBalancer.Hosting;

/// <summary>What has to be so before the program can do its work, each condition by name. /readyz shows them all.</summary>
public sealed class Readiness
{
    private readonly ConcurrentDictionary<string, string> missing = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> known = new(StringComparer.Ordinal);

    /// <summary>Whether every condition is met.</summary>
    public bool IsReady => missing.IsEmpty;

    /// <summary>Adds a condition that is not met yet.</summary>
    /// <param name="condition">A short name: <c>config</c>, <c>stores</c>.</param>
    /// <param name="reason">What is being waited for.</param>
    public void Require(string condition, string reason) => Set(condition, false, reason);

    /// <summary>Says whether a condition is met.</summary>
    /// <param name="condition">Its name.</param>
    /// <param name="met">Whether it is.</param>
    /// <param name="reason">Why not; unused when it is met.</param>
    public void Set(string condition, bool met, string reason = "")
    {
        known[condition] = met;
        if (met)
        {
            missing.TryRemove(condition, out _);
        }
        else
        {
            missing[condition] = reason;
        }
    }

    /// <summary>The conditions that are not met, each with the reason.</summary>
    public IReadOnlyDictionary<string, string> Missing => missing.ToDictionary(StringComparer.Ordinal);

    /// <summary>One line a condition, in the form of the API server's <c>/readyz?verbose</c>.</summary>
    public string Describe()
    {
        var lines = known.Keys.Order(StringComparer.Ordinal)
            .Select(name => missing.TryGetValue(name, out var reason) ? $"[-]{name}: {reason}" : $"[+]{name} ok");
        return string.Join('\n', lines.Append(IsReady ? "ready" : "not ready")) + "\n";
    }
}
