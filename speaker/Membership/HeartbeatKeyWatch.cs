using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Speaker.Membership;

/// <summary>
/// Keeps the heartbeat keys up to date from the Secret, or from a file in its place. A key that is bad or gone takes nothing out of
/// force: speakers that stopped to hear each other would all announce the same addresses.
/// </summary>
public sealed partial class HeartbeatKeyWatch
{
    /// <summary>The entries of the Secret's data.</summary>
    public const string KeyEntry = "key";

    /// <summary>Accepted already, not yet signed with.</summary>
    public const string NextEntry = "next-key";

    /// <summary>Accepted still.</summary>
    public const string PreviousEntry = "previous-key";

    private readonly Func<HeartbeatKeyMaterial?> read;
    private readonly Heartbeats heartbeats;
    private readonly MonotonicClock clock;
    private readonly ILogger logger;
    private KeyRotation? rotation;
    private string? lastProblem;

    private HeartbeatKeyWatch(Func<HeartbeatKeyMaterial?> read, Heartbeats heartbeats, MonotonicClock clock, ILogger logger)
    {
        this.read = read;
        this.heartbeats = heartbeats;
        this.clock = clock;
        this.logger = logger;
    }

    /// <summary>Keys from a Secret.</summary>
    public static HeartbeatKeyWatch OfSecret(
        IStore<SecretResource> store, ObjectKey secret, Heartbeats heartbeats, MonotonicClock clock, ILogger logger) =>
        new(() => store.Get(secret) is { } found ? Material(found) : null, heartbeats, clock, logger);

    /// <summary>The key from a file that holds just it.</summary>
    public static HeartbeatKeyWatch OfFile(string path, Heartbeats heartbeats, MonotonicClock clock, ILogger logger)
    {
        TimeSpan? readAt = null;
        return new HeartbeatKeyWatch(Read, heartbeats, clock, logger);

        // A file tells nobody that it changed; once a second is soon enough.
        HeartbeatKeyMaterial? Read()
        {
            if (clock.Now < readAt + TimeSpan.FromSeconds(1))
            {
                return null;
            }

            readAt = clock.Now;
            return new HeartbeatKeyMaterial(Key(path, File.ReadAllBytes(path)));
        }
    }

    /// <summary>Looks at the source, and at how far a rotation has come. Called by one thread, often.</summary>
    /// <returns>When the keys change by themselves, or null.</returns>
    public TimeSpan? Refresh()
    {
        var now = clock.Now;
        try
        {
            if (read() is { } material)
            {
                lastProblem = null;
                Take(material, now);
            }
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            if (e.Message != lastProblem)
            {
                lastProblem = e.Message;
                LogBadKey(logger, e.Message);
            }
        }

        if (rotation is null)
        {
            return null;
        }

        var keys = rotation.KeysAt(now);
        if (heartbeats.Keys is not { } before || !before.Signing.Equals(keys.Signing) || !before.Accepted.SequenceEqual(keys.Accepted))
        {
            heartbeats.Keys = keys;
            LogKeys(logger, keys.Signing, keys.Accepted.Count);
        }

        return rotation.NextChange(now);
    }

    private void Take(HeartbeatKeyMaterial material, TimeSpan now)
    {
        if (rotation is null || !Equals(rotation.Material, material))
        {
            rotation = rotation?.Replace(material, now) ?? KeyRotation.Start(material);
        }
    }

    private static HeartbeatKeyMaterial? Material(SecretResource secret) =>
        secret.Data.TryGetValue(KeyEntry, out var key)
            ? new HeartbeatKeyMaterial(Key($"Secret {secret.Key}, entry {KeyEntry}", key), Optional(secret, NextEntry), Optional(secret, PreviousEntry))
            : throw new FormatException($"Secret {secret.Key} has no entry '{KeyEntry}'; it has: {string.Join(", ", secret.Data.Keys)}");

    private static HeartbeatKey? Optional(SecretResource secret, string entry) =>
        secret.Data.TryGetValue(entry, out var bytes) && bytes.Length > 0 ? Key($"Secret {secret.Key}, entry {entry}", bytes) : null;

    private static HeartbeatKey Key(string source, byte[] bytes)
    {
        try
        {
            return HeartbeatKey.From(bytes);
        }
        catch (FormatException e)
        {
            throw new FormatException($"{source} {e.Message}", e);
        }
    }

    [LoggerMessage(EventId = 3001, Level = LogLevel.Information, Message = "Heartbeats are signed with the {Key}; {Accepted} keys are accepted.")]
    private static partial void LogKeys(ILogger logger, HeartbeatKey key, int accepted);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Error, Message = "The heartbeat key cannot be used, what was in force stays so: {Problem}.")]
    private static partial void LogBadKey(ILogger logger, string problem);
}
