using System.Security.Cryptography;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Leases;

/// <summary>The times of an election; the defaults are those of Kubernetes' own controllers.</summary>
/// <param name="Lease">The Lease the candidates share.</param>
/// <param name="Identity">This candidate, different from all others and from its own earlier lives: <see cref="NewIdentity"/>.</param>
public sealed record LeaderElectionOptions(ObjectKey Lease, string Identity)
{
    /// <summary>How long the others wait, from when they last saw a renewal, before they take over. Whole seconds.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long leadership lasts, from before the last successful renewal was sent. The difference to <see cref="Duration"/> is what
    /// clocks of different speed and a slow answer may cost.
    /// </summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often the leader renews; after a renewal that failed it tries again after <see cref="PollPeriod"/>.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often the others look: the longest time a released Lease stays unnoticed is 1.2 times this.</summary>
    public TimeSpan PollPeriod { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long one request may take before the next is tried.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>How long the release at shutdown may take.</summary>
    public TimeSpan ReleaseTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The host's name with a random suffix: two lives of one pod are two candidates.</summary>
    public static string NewIdentity(string hostName) => $"{hostName}_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";

    internal void Validate()
    {
        if (Duration.Ticks % TimeSpan.TicksPerSecond != 0 || Duration < TimeSpan.FromSeconds(1))
        {
            throw new ArgumentException($"The lease duration {Duration} is not a whole number of seconds, at least one.");
        }

        if (RenewDeadline >= Duration || RetryPeriod >= RenewDeadline)
        {
            throw new ArgumentException(
                $"Of lease duration {Duration}, renew deadline {RenewDeadline} and retry period {RetryPeriod} each must be shorter than the one before.");
        }
    }
}
