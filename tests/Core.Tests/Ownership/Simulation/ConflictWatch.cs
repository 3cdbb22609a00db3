using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Tests.Ownership.Simulation;

/// <summary>Notes for how long two hardware addresses were answered for a VIP by nodes that could hear each other, and for how long none.</summary>
internal sealed class ConflictWatch(SimulatedSegment segment)
{
    private readonly Dictionary<IpAddress, TimeSpan> since = [];
    private readonly Dictionary<IpAddress, (TimeSpan Since, bool Silent)> silence = [];

    /// <summary>Whether there was a moment in which no speaker was at work that had met the others: nobody can then know who owned what.</summary>
    public bool AllForgot { get; private set; }

    public TimeSpan LongestConflict { get; private set; }

    public TimeSpan LongestSilence { get; private set; }

    /// <summary>Which addresses have been answered for a VIP since the last reset.</summary>
    public Dictionary<IpAddress, HashSet<MacAddress>> Seen { get; } = [];

    public void Reset()
    {
        Seen.Clear();
        silence.Clear();
        AllForgot = false;
        LongestSilence = TimeSpan.Zero;
        Look();
    }

    public void Look()
    {
        AllForgot |= !segment.Nodes.Any(node => node.Works && node.RunsFor > TimeSpan.FromSeconds(1));
        foreach (var vip in segment.Vips.Keys)
        {
            var answered = false;
            var conflict = false;
            for (var i = 0; i < segment.Nodes.Count; i++)
            {
                if (segment.Nodes[i].Answer(vip) is not { } mac)
                {
                    continue;
                }

                answered = true;
                Add(vip, mac);
                for (var j = 0; j < i && !conflict; j++)
                {
                    conflict = segment.Nodes[j].Answer(vip) is { } other && other != mac && segment.HearEachOther(segment.Nodes[i], segment.Nodes[j]);
                }
            }

            Measure(vip, conflict, answered);
        }
    }

    private void Add(IpAddress vip, MacAddress mac)
    {
        if (!Seen.TryGetValue(vip, out var seen))
        {
            Seen.Add(vip, seen = []);
        }

        seen.Add(mac);
    }

    private void Measure(IpAddress vip, bool conflict, bool answered)
    {
        if (since.TryGetValue(vip, out var began))
        {
            var lasted = segment.Now - began;
            LongestConflict = lasted > LongestConflict ? lasted : LongestConflict;
        }

        if (!conflict)
        {
            since.Remove(vip);
        }
        else
        {
            since.TryAdd(vip, segment.Now);
        }

        if (silence.TryGetValue(vip, out var quiet) && quiet.Silent)
        {
            var lasted = segment.Now - quiet.Since;
            LongestSilence = lasted > LongestSilence ? lasted : LongestSilence;
        }

        if (quiet.Silent == answered || quiet.Since == default)
        {
            silence[vip] = (segment.Now, !answered);
        }
    }
}
