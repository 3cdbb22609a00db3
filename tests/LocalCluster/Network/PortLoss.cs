namespace LoadBalancer.LocalCluster.Network;

/// <summary>Which frames a port of the switch loses.</summary>
public enum PortLoss
{
    /// <summary>Those to the host: it cannot hear.</summary>
    ToHost,

    /// <summary>Those from the host: it cannot be heard.</summary>
    FromHost,

    /// <summary>Both.</summary>
    Both,
}

/// <summary>How a port is made to lose frames: by a program of a few instructions at its tc hooks, which needs no compiler and no netem.</summary>
internal static class PortLosses
{
    // Classic BPF as tc reads it: code, jump if true, jump if false, operand. The verdicts are TC_ACT_OK and TC_ACT_SHOT (linux/pkt_cls.h).
    private const string Pass = "6 0 0 0";
    private const string Drop = "6 0 0 2";

    // SKF_AD_OFF + SKF_AD_RANDOM: a random number of 32 bits.
    private const string LoadRandom = "32 0 0 4294963256";

    /// <summary>The hooks of the port. The switch sends to the host and receives from it.</summary>
    internal static IEnumerable<string> Hooks(this PortLoss lost) => lost switch
    {
        PortLoss.ToHost => ["egress"],
        PortLoss.FromHost => ["ingress"],
        _ => ["egress", "ingress"],
    };

    /// <summary>The program that drops so many of a hundred frames.</summary>
    internal static string Program(int percent)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(percent);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(percent, 100);
        return percent == 100
            ? $"1,{Drop}"
            : $"4,{LoadRandom},53 1 0 {percent * (1L << 32) / 100},{Drop},{Pass}";
    }
}
