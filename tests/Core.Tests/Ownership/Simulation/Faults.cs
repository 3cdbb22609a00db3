namespace LoadBalancer.Core.Tests.Ownership.Simulation;

/// <summary>What goes wrong on a segment. Each fault mends itself.</summary>
internal sealed class Faults(SimulatedSegment segment, Random random)
{
    // A node is the victim of one fault at a time; that is no limit of what is tried, faults of several nodes overlap.
    private readonly HashSet<SimulatedNode> struck = [];
    private bool splits;

    /// <summary>Faults that have not mended yet.</summary>
    public int Pending { get; private set; }

    /// <summary>Since when nothing has gone wrong or been mended.</summary>
    public TimeSpan QuietSince { get; private set; }

    /// <summary>The faults so far that may move a VIP: all but those of a speaker alone.</summary>
    public int Moving { get; private set; }

    /// <summary>All faults so far.</summary>
    public int All { get; private set; }

    public void Any()
    {
        switch (random.Next(10))
        {
            case 0:
                NodeDies();
                break;
            case 1:
                SpeakerCrashes();
                break;
            case 2 or 3:
                SpeakerIsUpgraded();
                break;
            case 4:
                SpeakerStandsStill();
                break;
            case 5:
                CableIsPulled();
                break;
            case 6:
                PortGoesDead();
                break;
            case 7:
                OneWayIsCut();
                break;
            case 8:
                SegmentSplits();
                break;
            default:
                FramesGetLost();
                break;
        }
    }

    public void SpeakerCrashes() => Strike("speaker crashes", 50, 3000, moving: false, node => node.KillSpeaker(), segment.Start);

    public void SpeakerIsUpgraded() => Strike("speaker is upgraded", 100, 3000, moving: false, node => node.StopSpeaker(), node =>
    {
        node.KillSpeaker();
        segment.Start(node);
    });

    public void SpeakerStandsStill() =>
        Strike("speaker stands still", 50, 4000, moving: false, node => node.Pause(true), node => node.Pause(false));

    public void NodeDies() => Strike("node dies", 200, 3000, moving: true,
        node =>
        {
            node.KillSpeaker();
            node.Powered = false;
        },
        node =>
        {
            node.Powered = true;
            segment.Start(node);
        });

    public void CableIsPulled() => Strike("cable is pulled", 50, 3000, moving: true, node => node.SetCarrier(false), node => node.SetCarrier(true));

    public void PortGoesDead() => Strike("port goes dead", 50, 3000, moving: true, node => Isolate(node, true), node => Isolate(node, false));

    public void OneWayIsCut()
    {
        var other = segment.Nodes[random.Next(segment.Nodes.Count)];
        Strike($"nothing passes to {other.Name}", 100, 3000, moving: true,
            node => segment.Cut(node, other, node != other), node => segment.Cut(node, other, false));
    }

    public void SegmentSplits()
    {
        if (splits)
        {
            return;
        }

        var side = segment.Nodes.Select(_ => random.Next(2) == 0).ToArray();
        segment.Say($"segment splits: {string.Join(' ', segment.Nodes.Where(n => side[n.Index]).Select(n => n.Name))} on one side");
        splits = true;
        Begin(moving: true);
        Divide(side, true);
        segment.After(TimeSpan.FromMilliseconds(random.Next(100, 4000)), () =>
        {
            segment.Say("segment is whole");
            splits = false;
            Divide(side, false);
            End();
        });
    }

    public void FramesGetLost()
    {
        var perMille = random.Next(10, 300);
        segment.Say($"{perMille / 10.0:0.0} % of the frames get lost");
        Begin(moving: perMille > 20);
        segment.LossPerMille = perMille;
        segment.After(TimeSpan.FromMilliseconds(random.Next(100, 2000)), () =>
        {
            segment.Say("no frames get lost");
            segment.LossPerMille = 0;
            End();
        });
    }

    private void Divide(bool[] side, bool cut)
    {
        foreach (var a in segment.Nodes)
        {
            foreach (var b in segment.Nodes)
            {
                if (side[a.Index] != side[b.Index])
                {
                    segment.Cut(a, b, cut);
                }
            }
        }

        segment.Changed();
    }

    private void Isolate(SimulatedNode node, bool cut)
    {
        foreach (var other in segment.Nodes)
        {
            segment.Cut(node, other, cut);
            segment.Cut(other, node, cut);
        }
    }

    private void Strike(string what, int least, int most, bool moving, Action<SimulatedNode> begin, Action<SimulatedNode> end)
    {
        var node = segment.Nodes[random.Next(segment.Nodes.Count)];
        if (splits || !struck.Add(node))
        {
            return;
        }

        segment.Say($"{node.Name}: {what}");

        // Who met the owner before it went may be the next to go: with two speakers away at once, nobody may be left who knows it.
        Begin(moving || struck.Count > 1 || segment.Nodes.Any(other => other != node && other.RunsFor < TimeSpan.FromSeconds(1)));
        begin(node);
        segment.Changed();
        segment.After(TimeSpan.FromMilliseconds(random.Next(least, most)), () =>
        {
            segment.Say($"{node.Name}: {what}: over");
            struck.Remove(node);
            end(node);
            End();
            segment.Changed();
        });
    }

    private void Begin(bool moving)
    {
        Pending++;
        All++;
        Moving += moving ? 1 : 0;
    }

    private void End()
    {
        Pending--;
        QuietSince = segment.Now;
    }
}
