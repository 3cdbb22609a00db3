using System.Globalization;

namespace LoadBalancer.Kubernetes.ListWatch;

/// <summary>
/// Whether what a LIST lacks is gone. A list that is older than what is known already, or that is empty where there were objects, may
/// come from a server that has not caught up or that lost its data: one behind a proxy that still starts, an etcd brought back from a
/// backup. It is believed once the server has said the like for <see cref="BelievedAfter"/>; until then what is known stands.
/// </summary>
internal sealed class ListDoubt(TimeProvider time)
{
    /// <summary>How long a server has to say so before it is believed.</summary>
    internal static readonly TimeSpan BelievedAfter = TimeSpan.FromSeconds(30);

    /// <summary>Between two LISTs meanwhile.</summary>
    internal static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(5);

    private string latest = "";
    private long? since;

    /// <summary>Takes in the version of a list that was believed, an event or a bookmark.</summary>
    internal void Saw(string version)
    {
        since = null;
        latest = version;
    }

    /// <summary>Why a list is not believed yet, or null if it is.</summary>
    /// <param name="count">The objects in the list.</param>
    /// <param name="known">The objects known so far; with none there is nothing to lose.</param>
    /// <param name="version">The list's resourceVersion: those of one kind can be compared (Kubernetes API, "Resource versions").</param>
    internal string? Why(int count, int known, string version)
    {
        var reason = known == 0 ? null
            : count == 0 ? string.Create(CultureInfo.InvariantCulture, $"it is empty, and there were {known} objects")
            : Parse(latest) is { } last && Parse(version) is { } listed && listed < last
                ? string.Create(CultureInfo.InvariantCulture, $"its version {listed} is older than {last}, which was seen already")
            : null;
        if (reason is null)
        {
            return null;
        }

        var now = time.GetTimestamp();
        since ??= now;
        return time.GetElapsedTime(since.Value, now) < BelievedAfter ? reason : null;
    }

    private static ulong? Parse(string version) =>
        ulong.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
