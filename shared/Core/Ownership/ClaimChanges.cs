using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <summary>On which VIPs something else is claimed than when it was last looked. One thread at a time.</summary>
internal sealed class ClaimChanges
{
    private HashSet<IpAddress> vips = [];

    /// <summary>Whether there are any.</summary>
    public bool Any => IsAll || vips.Count > 0;

    /// <summary>Whether it may be all of them.</summary>
    public bool IsAll { get; private set; }

    /// <summary>One VIP.</summary>
    public void Note(IpAddress vip) => vips.Add(vip);

    /// <summary>Any number of VIPs.</summary>
    public void NoteAll() => IsAll = true;

    /// <summary>They were looked at.</summary>
    /// <returns>Which they were, if not all.</returns>
    public IReadOnlySet<IpAddress> Take()
    {
        var taken = vips;
        vips = [];
        IsAll = false;
        return taken;
    }
}
