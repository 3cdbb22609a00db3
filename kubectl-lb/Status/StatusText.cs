using System.Globalization;
using LoadBalancer.Kubectl.Output;
using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Status;

/// <summary>The status report for people: what is wrong first.</summary>
internal static class StatusText
{
    /// <summary>Writes it.</summary>
    /// <param name="report">The report.</param>
    /// <param name="now">The time by which ages are told.</param>
    /// <param name="isColoured">Whether colours are written.</param>
    public static string Of(StatusReport report, DateTimeOffset now, bool isColoured)
    {
        var paper = new Paper(isColoured);
        if (report.Problems.Count == 0)
        {
            paper.Line("Nothing is wrong.", Tone.Well);
        }

        foreach (var problem in report.Problems)
        {
            paper.Line($"{problem.Severity.ToUpperInvariant()}  {problem.What}", problem.Severity == "error" ? Tone.Wrong : Tone.Notice).Line($"       {problem.Remedy}");
        }

        paper.Line().Table(["POOL", "ADDRESSES", "IN USE", "SIZE", "AUTO", "FOR"], report.Pools.Select(Row));
        paper.Line().Table(["ADDRESS", "STATE", "NODE", "LINK", "SINCE", "SERVICE"], report.Addresses.Select(row => Row(row, now)));
        paper.Line().Table(["SPEAKER", "NODE", "STATE", "VERSION", "LINKS", "HEARD BY", "ANSWERS", "OWNS", "LAST CHANGE"], report.Speakers.Select(row => Row(row, now)));
        paper.Line().Table(["CONTROLLER", "STATE", "VERSION", "SERVICES", "WAITING"], report.Controllers.Select(Row));
        return paper.ToString();
    }

    /// <summary>A span of time as kubectl tells ages: 35s, 12m, 5h, 3d.</summary>
    public static string Age(DateTimeOffset? at, DateTimeOffset now)
    {
        if (at is not { } then)
        {
            return "-";
        }

        var age = now > then ? now - then : TimeSpan.Zero;
        return age.TotalSeconds < 120 ? Whole(age.TotalSeconds, "s") : age.TotalMinutes < 120 ? Whole(age.TotalMinutes, "m") : age.TotalHours < 48 ? Whole(age.TotalHours, "h") : Whole(age.TotalDays, "d");

        static string Whole(double value, string unit) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(value):0}{unit}");
    }

    // The commit that a build is of is in the other forms.
    private static string Short(string? version) => version?.Split('+')[0] ?? "-";

    private static string Number(double value) => value < 1e9 ? value.ToString("0", CultureInfo.InvariantCulture) : value.ToString("0.0e0", CultureInfo.InvariantCulture);

    private static (IReadOnlyList<string>, Tone) Row(PoolStatus pool) =>
    (
        [
            pool.Name, string.Join(", ", pool.Ranges), pool.InUse.ToString(CultureInfo.InvariantCulture), Number(pool.Size), pool.AutoAssign ? "yes" : "no",
            pool.Restricted ? "some" : "all",
        ],
        pool.InUse >= pool.Size ? Tone.Notice : Tone.Plain);

    private static (IReadOnlyList<string>, Tone) Row(AddressRow row, DateTimeOffset now) =>
    (
        [row.Address, row.State, row.Nodes.Count == 0 ? "-" : string.Join(",", row.Nodes), row.Link ?? "-", Age(row.Since, now), string.Join(",", row.Services)],
        row.State switch
        {
            nameof(AddressState.Announced) => Tone.Plain,
            nameof(AddressState.Nobody) or nameof(AddressState.Split) or nameof(AddressState.Conflict) => Tone.Wrong,
            _ => Tone.Notice,
        });

    private static (IReadOnlyList<string>, Tone) Row(SpeakerRow row, DateTimeOffset now) =>
    (
        [
            row.Pod, row.Node ?? "-", row.State, Short(row.Version), row.Links.Count == 0 ? "-" : string.Join(",", row.Links),
            row.Node is null ? "-" : string.Create(CultureInfo.InvariantCulture, $"{row.HeardBy}/{row.Peers}"), row.Answering is { Length: > 0 } by ? by : "-",
            row.Owned.ToString(CultureInfo.InvariantCulture), Age(row.LastChange, now),
        ],
        row.State == "ready" ? Tone.Plain : Tone.Wrong);

    private static (IReadOnlyList<string>, Tone) Row(ControllerRow row) =>
    (
        [row.Pod, row.State, Short(row.Version), row.Services.ToString(CultureInfo.InvariantCulture), row.Waiting.ToString(CultureInfo.InvariantCulture)],
        row.State is "leader" or "spare" ? Tone.Plain : Tone.Wrong);
}
