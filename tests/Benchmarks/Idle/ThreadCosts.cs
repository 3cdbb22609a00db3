using System.Globalization;

namespace LoadBalancer.Benchmarks.Idle;

/// <summary>What the threads of a process have used so far, as the scheduler counts it to the nanosecond (/proc/PID/task/TID/schedstat and status).</summary>
internal sealed class ThreadCosts
{
    private readonly Dictionary<string, Cost> threads = new(StringComparer.Ordinal);

    private ThreadCosts()
    {
    }

    /// <summary>The sum over all threads.</summary>
    public Cost Sum => threads.Values.Aggregate(default(Cost), static (sum, cost) => sum + cost);

    /// <summary>By the threads' names; those of one name together.</summary>
    public IEnumerable<KeyValuePair<string, Cost>> ByName => threads
        .GroupBy(static entry => entry.Key[(entry.Key.IndexOf(' ', StringComparison.Ordinal) + 1)..])
        .Select(static group => KeyValuePair.Create(group.Key, group.Aggregate(default(Cost), static (sum, entry) => sum + entry.Value)))
        .OrderByDescending(static entry => entry.Value.Processor);

    /// <summary>Reads them. A thread that ends meanwhile is left out.</summary>
    public static ThreadCosts Of(int process)
    {
        var costs = new ThreadCosts();
        foreach (var folder in Directory.EnumerateDirectories($"/proc/{process}/task"))
        {
            try
            {
                var name = $"{Path.GetFileName(folder)} {File.ReadAllText($"{folder}/comm").Trim()}";
                var ran = long.Parse(File.ReadAllText($"{folder}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);
                var slept = File.ReadLines($"{folder}/status").First(static line => line.StartsWith("voluntary_ctxt_switches:", StringComparison.Ordinal));
                costs.threads.Add(name, new Cost(TimeSpan.FromMicroseconds(ran / 1000.0), long.Parse(slept.Split('\t')[1], CultureInfo.InvariantCulture)));
            }
            catch (IOException)
            {
                // It ended.
            }
        }

        return costs;
    }

    /// <summary>What was used since.</summary>
    public ThreadCosts Since(ThreadCosts before)
    {
        var difference = new ThreadCosts();
        foreach (var (name, cost) in threads)
        {
            difference.threads.Add(name, cost - before.threads.GetValueOrDefault(name));
        }

        return difference;
    }

    /// <param name="Processor">Time on a processor, in user and in kernel mode.</param>
    /// <param name="WakeUps">How often it had gone to sleep, and so was woken.</param>
    internal readonly record struct Cost(TimeSpan Processor, long WakeUps)
    {
        public static Cost operator +(Cost a, Cost b) => new(a.Processor + b.Processor, a.WakeUps + b.WakeUps);

        public static Cost operator -(Cost a, Cost b) => new(a.Processor - b.Processor, a.WakeUps - b.WakeUps);
    }
}
