using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Speaker.Membership;

/// <summary>
/// When the addresses of a segment were last asked for, as far as this node hears it: what hosts want now is announced first when
/// many addresses come at once. Of two addresses that share a cell the later question counts. One thread writes, any may read.
/// </summary>
/// <remarks>
/// Broadcast requests and solicitations of groups this link is in are heard; a host that checks what it has in its cache asks the
/// owner alone.
/// </remarks>
public sealed class RecentQuestions
{
    private const int Cells = 8192;

    // A fingerprint of the address << 32 | tenths of a second, from 1; 0 is an empty cell.
    private readonly ulong[] cells = new ulong[Cells];

    /// <summary>An address was asked for.</summary>
    public void Note(IpAddress address, TimeSpan now)
    {
        var mark = Fingerprint(address);
        Volatile.Write(ref cells[mark % Cells], ((ulong)mark << 32) | TenthsAt(now));
    }

    /// <summary>A time as <see cref="LastAsked"/> tells it.</summary>
    public static uint TenthsAt(TimeSpan at) => (uint)(at.Ticks / (TimeSpan.TicksPerSecond / 10)) + 1;

    /// <summary>When the address was last asked for, in tenths of a second; 0 if it was not, or too long ago to be remembered.</summary>
    public uint LastAsked(IpAddress address)
    {
        var mark = Fingerprint(address);
        var cell = Volatile.Read(ref cells[mark % Cells]);
        return (uint)(cell >> 32) == mark ? (uint)cell : 0;
    }

    // Knuth, TAOCP 3, §6.4: neighbours in a pool spread evenly. An odd factor loses nothing of an IPv4 address.
    private static uint Fingerprint(IpAddress address) =>
        (uint)(((ulong)(address.Value >> 64) ^ (ulong)address.Value) * 0x9E3779B97F4A7C15 >> 32);
}
