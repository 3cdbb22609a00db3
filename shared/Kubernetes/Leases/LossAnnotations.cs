using System.Globalization;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Leases;

/// <summary>
/// What Leases say of lost nodes: a speaker's own what it has lost, the controllers' common one what became of it. What another version
/// wrote and cannot be read here is skipped.
/// </summary>
public static class LossAnnotations
{
    /// <summary>In a speaker's Lease: <c>n3 boot=5f3a… address=192.168.96.13 agreed=2 witness=false silence=351ms; …</c>.</summary>
    public const string Lost = "loadbalancer/lost";

    /// <summary>In the controllers' record of losses: <c>n3 5f3a… Marked; …</c>, the oldest first.</summary>
    public const string Losses = "loadbalancer/losses";

    /// <summary>The value of <see cref="Lost"/>, in the order of the nodes' names.</summary>
    public static string Of(IEnumerable<LossStatement> statements) => string.Join(';', statements
        .OrderBy(static s => s.Node, StringComparer.Ordinal)
        .Select(static s => string.Create(CultureInfo.InvariantCulture,
            $"{s.Node} boot={s.Boot:x16} address={s.Address} agreed={s.Agreed} witness={(s.Witness ? "true" : "false")} silence={s.Silence.TotalMilliseconds:0}ms")));

    /// <summary>What a speaker's Lease says it has lost.</summary>
    public static IReadOnlyList<LossStatement> LostOf(LeaseResource lease)
    {
        var statements = new List<LossStatement>();
        foreach (var entry in Entries(lease, Lost))
        {
            if (Parse(entry) is { } statement)
            {
                statements.Add(statement);
            }
        }

        return statements;
    }

    /// <summary>The value of <see cref="Losses"/>.</summary>
    public static string Of(IEnumerable<LossEntry> entries) =>
        string.Join(';', entries.Select(static e => string.Create(CultureInfo.InvariantCulture, $"{e.Node} {e.Boot:x16} {e.Outcome}")));

    /// <summary>What the controllers' record holds.</summary>
    public static IReadOnlyList<LossEntry> LossesOf(LeaseResource lease)
    {
        var entries = new List<LossEntry>();
        foreach (var entry in Entries(lease, Losses))
        {
            if (entry.Split(' ') is [var node, var boot, var outcome, ..] && TryHex(boot, out var run) && Enum.TryParse<LossOutcome>(outcome, out var what))
            {
                entries.Add(new LossEntry(node, run, what));
            }
        }

        return entries;
    }

    private static LossStatement? Parse(string entry)
    {
        var parts = entry.Split(' ');
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in parts.Skip(1))
        {
            var at = part.IndexOf('=', StringComparison.Ordinal);
            if (at > 0)
            {
                fields[part[..at]] = part[(at + 1)..];
            }
        }

        return parts[0].Length > 0
            && TryHex(fields.GetValueOrDefault("boot", ""), out var boot) && boot != 0
            && IpAddress.TryParse(fields.GetValueOrDefault("address", ""), out var address)
            && int.TryParse(fields.GetValueOrDefault("agreed", ""), NumberStyles.None, CultureInfo.InvariantCulture, out var agreed)
            && fields.GetValueOrDefault("silence", "") is [_, .., 'm', 's'] silence
            && int.TryParse(silence.AsSpan(0, silence.Length - 2), NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            ? new LossStatement(parts[0], boot, address, agreed, fields.GetValueOrDefault("witness") == "true", TimeSpan.FromMilliseconds(milliseconds))
            : null;
    }

    private static bool TryHex(string text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

    private static string[] Entries(LeaseResource lease, string annotation) =>
        lease.Annotations.GetValueOrDefault(annotation, "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
