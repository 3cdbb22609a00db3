namespace LoadBalancer.Core.Heartbeats;

/// <summary>What the Secret or the key file holds at one time.</summary>
/// <param name="Key">Data key <c>key</c>.</param>
/// <param name="Next">Data key <c>next-key</c>: accepted already, not signed with.</param>
/// <param name="Previous">Data key <c>previous-key</c>: still accepted.</param>
public sealed record HeartbeatKeyMaterial(HeartbeatKey Key, HeartbeatKey? Next = null, HeartbeatKey? Previous = null);

/// <summary>
/// Decides which key signs and which are accepted while the Secret changes. Each speaker sees a change at another moment, so a new
/// key is accepted at once and signed with only after <see cref="Grace"/>, when every speaker has it; the old one is accepted as long
/// again. Replacing the one key in place is thereby safe, and <c>next-key</c> / <c>previous-key</c> make it safe for speakers that start
/// meanwhile as well.
/// </summary>
/// <param name="Material">What the Secret holds.</param>
/// <param name="Old">The key that was signed with before, while it is still of use.</param>
/// <param name="ChangedAt">When <see cref="HeartbeatKeyMaterial.Key"/> changed, in monotonic time.</param>
public sealed record KeyRotation(HeartbeatKeyMaterial Material, HeartbeatKey? Old, TimeSpan ChangedAt)
{
    /// <summary>How long after a change the old key signs, and for how long after that it is accepted. A watch delivers within seconds.</summary>
    public static TimeSpan Grace => TimeSpan.FromSeconds(30);

    /// <summary>The first key ever seen: signs at once.</summary>
    public static KeyRotation Start(HeartbeatKeyMaterial material) => new(material, null, TimeSpan.Zero);

    /// <summary>The state after the Secret was read again.</summary>
    public KeyRotation Replace(HeartbeatKeyMaterial material, TimeSpan now) =>
        material.Key.Equals(Material.Key)
            ? this with { Material = material }
            // What peers are sure to accept is what was signed with until now, also when two changes follow each other quickly.
            : new KeyRotation(material, KeysAt(now).Signing, now);

    /// <summary>The keys in force.</summary>
    public HeartbeatKeys KeysAt(TimeSpan now)
    {
        var age = now - ChangedAt;
        // A new key that the previous Secret had announced as next-key is known to every speaker already; the grace does no harm then.
        var signing = Old is not null && age < Grace ? Old : Material.Key;
        List<HeartbeatKey> accepted = [signing];
        Add(Material.Key);
        Add(Material.Next);
        Add(Material.Previous);
        Add(Old is not null && age < 2 * Grace ? Old : null);
        return new HeartbeatKeys(signing, accepted);

        void Add(HeartbeatKey? key)
        {
            if (key is not null && !accepted.Contains(key))
            {
                accepted.Add(key);
            }
        }
    }

    /// <summary>When <see cref="KeysAt"/> next changes by itself, or null.</summary>
    public TimeSpan? NextChange(TimeSpan now)
    {
        if (Old is null || now >= ChangedAt + (2 * Grace))
        {
            return null;
        }

        return now < ChangedAt + Grace ? ChangedAt + Grace : ChangedAt + (2 * Grace);
    }
}
