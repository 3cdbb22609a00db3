using System.Globalization;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.LocalCluster.ApiServer.Tables;

/// <summary>Durations as kubectl prints them: at most two units, the finer the younger (<c>duration.HumanDuration</c>).</summary>
public static class Age
{
    public static string Of(JsonNode? timestamp, DateTimeOffset now) =>
        DateTimeOffset.TryParse(timestamp.Text(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var then) ? Text(now - then) : "<unknown>";

    public static string Text(TimeSpan age)
    {
        var seconds = (long)age.TotalSeconds;
        if (seconds < -1)
            return "<invalid>";
        long minutes = seconds / 60, hours = seconds / 3600, days = seconds / 86400, years = days / 365;
        return seconds switch
        {
            < 0 => "0s",
            < 120 => $"{seconds}s",
            < 600 => Two(minutes, "m", seconds % 60, "s"),
            < 10_800 => $"{minutes}m",
            < 28_800 => Two(hours, "h", minutes % 60, "m"),
            < 172_800 => $"{hours}h",
            < 691_200 => Two(days, "d", hours % 24, "h"),
            < 63_072_000 => $"{days}d",
            < 252_288_000 => Two(years, "y", days % 365, "d"),
            _ => $"{years}y",
        };
    }

    private static string Two(long coarse, string unit, long fine, string fineUnit) =>
        fine == 0 ? $"{coarse}{unit}" : $"{coarse}{unit}{fine}{fineUnit}";
}
