using System.Globalization;

namespace LoadBalancer.Benchmarks.Scale;

/// <summary>What a process has in memory, as the kernel counts it (/proc/PID/smaps_rollup), in KiB.</summary>
/// <param name="Resident">Everything: VmRSS.</param>
/// <param name="Proportional">What it shares with other processes counted by its part (Pss).</param>
/// <param name="Anonymous">Its own, not a file's: heap and stacks.</param>
internal readonly record struct Footprint(double Resident, double Proportional, double Anonymous)
{
    /// <summary>Reads it now.</summary>
    public static Footprint Of(int process)
    {
        var fields = File.ReadLines($"/proc/{process}/smaps_rollup").Skip(1)
            .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .ToDictionary(static parts => parts[0], static parts => double.Parse(parts[1], CultureInfo.InvariantCulture));
        return new Footprint(fields["Rss:"], fields["Pss:"], fields["Anonymous:"]);
    }

    /// <summary>The mean of several processes of one kind.</summary>
    public static Footprint Mean(IReadOnlyCollection<Footprint> all) =>
        new(all.Average(static one => one.Resident), all.Average(static one => one.Proportional), all.Average(static one => one.Anonymous));

    /// <summary>In MB of 1,024² bytes.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Resident / 1024:0.0} MB resident (Pss {Proportional / 1024:0.0}, anonymous {Anonymous / 1024:0.0})");
}
