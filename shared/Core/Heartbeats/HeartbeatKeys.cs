namespace LoadBalancer.Core.Heartbeats;

/// <summary>The keys in force: one signs, each of a few is accepted. Immutable; a change is a new value.</summary>
/// <param name="Signing">Signs what this node sends.</param>
/// <param name="Accepted">Contains <paramref name="Signing"/>; rarely more than two.</param>
public sealed record HeartbeatKeys(HeartbeatKey Signing, IReadOnlyList<HeartbeatKey> Accepted)
{
    /// <summary>One key for both.</summary>
    public HeartbeatKeys(HeartbeatKey key)
        : this(key, [key])
    {
    }

    /// <summary>The accepted key of a cluster id, or null.</summary>
    public HeartbeatKey? Find(ulong clusterId)
    {
        // Indexed: enumerating the interface would allocate on each frame.
        for (var i = 0; i < Accepted.Count; i++)
        {
            if (Accepted[i].ClusterId == clusterId)
            {
                return Accepted[i];
            }
        }

        return null;
    }
}
