using System.Globalization;

namespace LoadBalancer.Benchmarks;

/// <summary>A figure beside what it is to be at most; docs/performance.md has the goals.</summary>
internal static class Goal
{
    /// <summary>How many times the goal it is, for people; empty without one.</summary>
    /// <param name="value">The figure.</param>
    /// <param name="goal">What it is to be at most, in the same unit; null for no goal.</param>
    public static string Beside(double value, double? goal) => goal is { } most
        ? string.Create(CultureInfo.InvariantCulture, $" [goal {most:0.##}: {value / most:0.00} times]")
        : "";
}
