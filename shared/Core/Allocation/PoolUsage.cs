namespace LoadBalancer.Core.Allocation;

/// <summary>How full a pool is.</summary>
/// <param name="Pool">The pool's name.</param>
/// <param name="Size">
/// The addresses that may be given out, of both families together, reserved ones included; approximate above 2^53.
/// </param>
/// <param name="InUse">Those at least one Service has.</param>
public readonly record struct PoolUsage(string Pool, double Size, int InUse);
