namespace LoadBalancer.Core.Ownership;

/// <summary>The sequence numbers of one run of a speaker, shared by all its links. Any thread may read, one draws.</summary>
public sealed class SequenceCounter
{
    private ulong last;

    /// <summary>The last number used; 0 before the first.</summary>
    public ulong Last => Volatile.Read(ref last);

    /// <summary>Draws the next number, from 1 on.</summary>
    public ulong Next() => Interlocked.Increment(ref last);
}
