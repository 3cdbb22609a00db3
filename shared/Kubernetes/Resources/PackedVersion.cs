using System.Globalization;

namespace LoadBalancer.Kubernetes.Resources;

/// <summary>
/// Which object, and which version of it, in 32 bytes: the two texts take 150 in memory. Every server's uids are UUIDs and its resourceVersions
/// numbers; what is not is kept as it came.
/// </summary>
internal readonly struct PackedVersion
{
    private readonly Guid uid;
    private readonly ulong version;
    private readonly string[]? texts;

    /// <param name="uid"><c>metadata.uid</c>.</param>
    /// <param name="version"><c>metadata.resourceVersion</c>.</param>
    internal PackedVersion(string uid, string version)
    {
        if (!TryPack(uid, out this.uid) || !TryPack(version, out this.version))
        {
            texts = [uid, version];
        }
    }

    internal string Uid => texts is null ? uid.ToString() : texts[0];

    internal string Version => texts is null ? version.ToString(CultureInfo.InvariantCulture) : texts[1];

    /// <summary>Whether it is the same version of the same object; one without a version is like no other.</summary>
    internal bool IsSame(in PackedVersion other) => texts is null
        ? other.texts is null && uid == other.uid && version == other.version
        : other.texts is not null && texts[0] == other.texts[0] && texts[1] == other.texts[1] && texts[1].Length > 0;

    /// <summary>Whether it is the same object, in whatever version.</summary>
    internal bool IsSameObject(in PackedVersion other) =>
        texts is null && other.texts is null ? uid == other.uid : Uid == other.Uid;

    // Only what reads the same when it is written again.
    private static bool TryPack(string text, out Guid uid)
    {
        Span<char> again = stackalloc char[36];
        return Guid.TryParseExact(text, "D", out uid) && uid.TryFormat(again, out _) && text.AsSpan().SequenceEqual(again);
    }

    private static bool TryPack(string text, out ulong version)
    {
        Span<char> again = stackalloc char[20];
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out version)
            && version.TryFormat(again, out var length, default, CultureInfo.InvariantCulture) && text.AsSpan().SequenceEqual(again[..length]);
    }
}
