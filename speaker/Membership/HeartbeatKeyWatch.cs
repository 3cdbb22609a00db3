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

    // A file tells nobody that it changed; once a second is soon enough.
    private static readonly TimeSpan FileInterval = TimeSpan.FromSeconds(1);

    // What is mounted may be a minute old, so that the API server is given the time to answer first.
    private static readonly TimeSpan MountPatience = TimeSpan.FromSeconds(2);

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
    /// <param name="store">Has the Secret, once the API server has answered.</param>
    /// <param name="secret">The Secret.</param>
    /// <param name="mount">A folder the Secret is mounted in as well, or null. Read while the API server has not given any key.</param>
    /// <param name="heartbeats">Get the keys.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="logger">Is told of new keys and of bad ones.</param>
    public static HeartbeatKeyWatch OfSecret(
        IStore<SecretResource> store, ObjectKey secret, string? mount, Heartbeats heartbeats, MonotonicClock clock, ILogger logger)
    {
        var readAt = clock.Now + MountPatience;
        SecretResource? taken = null;
        return new HeartbeatKeyWatch(Read, heartbeats, clock, logger);

        HeartbeatKeyMaterial? Read()
        {
            // The others have a newer key than the API server gave to this node: the kubelet may have brought it.
            var lacks = mount is not null && heartbeats.UnderstandsNobody;
            if (store.Get(secret) is { } found && !(lacks && ReferenceEquals(found, taken)))
            {
                // Looked at many times a second; a Secret that was taken in says nothing new.
                if (ReferenceEquals(found, taken))
                {
                    return null;
                }

                var material = Material($"Secret {secret}", entry => found.Data.GetValueOrDefault(entry), found.Data.Keys);
                taken = found;
                return material;
            }

            if ((taken is not null && !lacks) || mount is null || clock.Now < readAt)
            {
                return null;
            }

            readAt = clock.Now + FileInterval;
            return Directory.Exists(mount) && Directory.GetFiles(mount) is { Length: > 0 } files
                ? Material($"The folder {mount}", entry => Contents(Path.Combine(mount, entry)), files.Select(file => Path.GetFileName(file)))
                : null;
        }

        static byte[]? Contents(string file) => File.Exists(file) ? File.ReadAllBytes(file) : null;
    }

    /// <summary>The key from a file that holds just it.</summary>
    public static HeartbeatKeyWatch OfFile(string path, Heartbeats heartbeats, MonotonicClock clock, ILogger logger)
    {
        TimeSpan? readAt = null;
        return new HeartbeatKeyWatch(Read, heartbeats, clock, logger);

        HeartbeatKeyMaterial? Read()
        {
            if (clock.Now < readAt + FileInterval)
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

    private static HeartbeatKeyMaterial Material(string source, Func<string, byte[]?> read, IEnumerable<string> entries)
    {
        return Optional(KeyEntry) is { } key
            ? new HeartbeatKeyMaterial(key, Optional(NextEntry), Optional(PreviousEntry))
            : throw new FormatException($"{source} has no entry '{KeyEntry}'; it has: {string.Join(", ", entries)}");

        HeartbeatKey? Optional(string entry) =>
            read(entry) is { } bytes && (bytes.Length > 0 || entry == KeyEntry) ? Key($"{source}, entry {entry}", bytes) : null;
    }

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
