using System.Text;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Tests.Ownership.Simulation;

/// <summary>One random life of a segment: it starts, things go wrong, all is well again, and then it is looked at.</summary>
internal static class Schedule
{
    private static readonly TimeSpan Started = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Faulty = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Detection = TimeSpan.FromMilliseconds(500);

    /// <summary>Runs it.</summary>
    /// <returns>What went wrong, or null.</returns>
    public static string? Run(int seed, Action<string>? log = null)
    {
        var shape = new Random(seed);
        var nodes = 2 + (int)(8 * shape.NextDouble() * shape.NextDouble());
        var segment = new SimulatedSegment(seed, nodes, vips: 1 + shape.Next(3), log);
        segment.Say($"seed {seed}: {nodes} nodes");
        foreach (var node in segment.Nodes)
        {
            segment.At(TimeSpan.FromMilliseconds(1 + shape.Next(300)), () => segment.Start(node));
        }

        segment.Run(Started);
        if (Unsettled(segment) is { } early)
        {
            return $"after the start: {early}";
        }

        var owners = Owners(segment);
        segment.TakeOvers.Clear();
        segment.Watch.Reset();
        var faults = new Faults(segment, shape);
        var count = 1 + shape.Next(5);
        for (var i = 0; i < count; i++)
        {
            segment.At(Started + TimeSpan.FromMilliseconds(shape.Next((int)Faulty.TotalMilliseconds)), faults.Any);
        }

        segment.Run(Started + Faulty);
        while (faults.Pending > 0 || faults.QuietSince + TimeSpan.FromSeconds(1) > segment.Now)
        {
            segment.Run(segment.Now + TimeSpan.FromMilliseconds(50));
        }

        segment.Say("whole and quiet for a second");
        for (var i = 0; i < 10; i++)
        {
            if (Unsettled(segment) is { } late)
            {
                return $"whole and quiet for {1000 + (i * 100)} ms: {late}";
            }

            segment.Run(segment.Now + TimeSpan.FromMilliseconds(100));
        }

        return segment.Watch.LongestConflict > Detection
            ? $"two nodes that hear each other answered differently for {segment.Watch.LongestConflict.TotalMilliseconds:0} ms"
            : Moves(segment, faults, owners);
    }

    /// <summary>The failing seed with everything that happened, to read and to replay.</summary>
    public static string Timeline(int seed)
    {
        var text = new StringBuilder();
        var problem = Run(seed, line => text.AppendLine(line));
        return $"seed {seed}: {problem}\n(replay: LB_SIMULATION_SEED={seed})\n{text}";
    }

    private static string? Unsettled(SimulatedSegment segment)
    {
        foreach (var vip in segment.Vips.Keys)
        {
            var answers = segment.Nodes.Select(node => node.Answer(vip)).Where(mac => mac is not null).Distinct().ToList();
            if (answers.Count != 1)
            {
                return $"{vip} is answered with [{string.Join(", ", answers)}] by [{string.Join(", ", segment.Nodes.Where(n => n.Answer(vip) is not null).Select(n => n.Name))}]";
            }
        }

        return null;
    }

    private static Dictionary<IpAddress, MacAddress> Owners(SimulatedSegment segment) =>
        segment.Vips.Keys.ToDictionary(vip => vip, vip => segment.Nodes.Select(node => node.Answer(vip)).First(mac => mac is not null)!.Value);

    private static string? Moves(SimulatedSegment segment, Faults faults, Dictionary<IpAddress, MacAddress> owners)
    {
        foreach (var (vip, owner) in owners)
        {
            if (faults.Moving == 0 && !segment.Watch.AllForgot && (segment.Watch.Seen[vip].Count != 1 || !segment.Watch.Seen[vip].Contains(owner)))
            {
                return $"{vip} was answered with [{string.Join(", ", segment.Watch.Seen[vip])}] although only speakers restarted or stood still";
            }

            // Each part of a segment that was cut may have made one node the owner, and one more when it is whole again; a speaker that
            // starts in a part of its own adds to that.
            var allowed = 2 * (faults.Moving == 0 && !segment.Watch.AllForgot ? 0 : faults.All);
            if (segment.TakeOvers.GetValueOrDefault(vip) > allowed)
            {
                return $"{vip} was taken over {segment.TakeOvers[vip]} times by {faults.Moving} faults";
            }
        }

        return null;
    }
}
