namespace LoadBalancer.Core.Packets;

/// <summary>When a VIP that has come to this node is announced: six rounds, by ARP each in both forms.</summary>
/// <remarks>
/// Once would do on a perfect wire. Rounds follow because broadcasts get lost, above all on Wi-Fi; because a switch port may not
/// forward yet; and because Linux ignores a second change of a neighbour entry within a second of the first
/// (<c>net.ipv4.neigh.*.locktime</c>), so that a host which has just learnt the old place must be told again: the rounds from the
/// third on are 1.1 s apart.
/// </remarks>
public static class AnnouncementSchedule
{
    private static readonly long[] Offsets =
    [
        0,
        200 * TimeSpan.TicksPerMillisecond,
        1_100 * TimeSpan.TicksPerMillisecond,
        2_200 * TimeSpan.TicksPerMillisecond,
        3_300 * TimeSpan.TicksPerMillisecond,
        4_400 * TimeSpan.TicksPerMillisecond,
    ];

    /// <summary>The number of rounds.</summary>
    public static int Rounds => Offsets.Length;

    /// <summary>When a round is due, counted from the first one.</summary>
    /// <param name="round">0 to <see cref="Rounds"/> - 1.</param>
    /// <exception cref="IndexOutOfRangeException">There is no such round.</exception>
    public static TimeSpan Offset(int round) => new(Offsets[round]);

    /// <summary>The pause between a round and the one after it; null after the last.</summary>
    /// <param name="round">0 to <see cref="Rounds"/> - 1.</param>
    public static TimeSpan? PauseAfter(int round) =>
        round + 1 < Rounds ? new TimeSpan(Offsets[round + 1] - Offsets[round]) : null;

    /// <summary>
    /// As <see cref="PauseAfter"/>, for a VIP that keeps coming and going: two rounds, the second after Linux takes a change again.
    /// </summary>
    /// <param name="round">0 or 1.</param>
    public static TimeSpan? PauseOfChurn(int round) => round == 0 ? new TimeSpan(Offsets[2]) : null;
}
