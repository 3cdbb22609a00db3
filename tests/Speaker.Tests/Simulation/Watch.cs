using LoadBalancer.Controller.NodeLoss;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>What a client sees, looked at every 10 ms: who answers for each VIP, whether traffic gets there, and what it holds to be true.</summary>
internal sealed class Watch(SimulatedCluster cluster)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    /// <summary>For so long after something began or ended two may answer.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(1);

    /// <summary>For so long after it nobody need answer.</summary>
    private static readonly TimeSpan Gap = TimeSpan.FromMilliseconds(500);

    /// <summary>So long a client may hold what is no longer true: announcements go out at once, and those at 1.1 s and later are believed by all.</summary>
    private static readonly TimeSpan StaleCache = TimeSpan.FromSeconds(2.6);

    // Of three frames one: then three heartbeats and three questions in a row are lost now and then, and the controller's vetoes are what is left.
    private const int MostLossForLosses = 100;

    private readonly Dictionary<IpAddress, Seen> vips = [];
    private readonly HashSet<SimulatedNode> unable = [];

    /// <summary>When something last began or ended.</summary>
    public TimeSpan LastEdge { get; private set; }

    /// <summary>Whether one thing at a time is wrong, so that a node that could serve must do so within <see cref="Gap"/>.</summary>
    public bool Strict { get; set; } = true;

    /// <summary>The first thing that was not as it must be, or null.</summary>
    public string? Violation { get; private set; }

    /// <summary>Who stated which node to be lost, and when.</summary>
    public List<(string Reporter, string Node, TimeSpan At)> Losses { get; } = [];

    /// <summary>The first mark of a node that answers, or null.</summary>
    public string? WrongMark { get; private set; }

    /// <summary>Which controller marked which node, and when.</summary>
    public List<(string Controller, string Node, TimeSpan At)> Marks { get; } = [];

    public TimeSpan LongestConflict { get; private set; }

    public TimeSpan LongestSilence { get; private set; }

    /// <summary>Which hardware addresses were answered for the VIP since the reset.</summary>
    public IReadOnlyCollection<MacAddress> MacsOf(IpAddress vip) => vips[vip].Macs;

    /// <summary>How often the VIP came to another hardware address since the reset.</summary>
    public int MovesOf(IpAddress vip) => vips[vip].Moves;

    /// <summary>Forgets what was seen.</summary>
    public void Reset()
    {
        LongestConflict = default;
        LongestSilence = default;
        vips.Clear();
        Look();
    }

    /// <summary>A fault begins or ends.</summary>
    /// <param name="struck">Nodes that may have lost the ability to serve by it, or have just got it back.</param>
    public void Edge(IEnumerable<SimulatedNode>? struck = null)
    {
        LastEdge = cluster.Now;
        unable.Clear();
        unable.UnionWith(struck ?? []);
    }

    /// <summary>
    /// A speaker states losses. None may be of a node whose kernel it reaches, both ways, since longer than it takes to find out: that is
    /// what the pods of a living node are marked for.
    /// </summary>
    public void NoteLosses(SimulatedNode reporter, string statements)
    {
        foreach (var lost in statements.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(statement => cluster[statement.Split(' ')[0]]))
        {
            Losses.Add((reporter.Name, lost.Name, cluster.Now));
            cluster.Say($"{reporter.Name} states that {lost.Name} is lost");
            if (lost.Powered && cluster.Now - LastEdge > Overlap && cluster.Wire.LossPerMille <= MostLossForLosses
                && cluster.Wire.Passes(reporter.Port, lost.Port) && cluster.Wire.Passes(lost.Port, reporter.Port))
            {
                Violate($"{reporter.Name} states that {lost.Name} is lost, which it reaches");
            }
        }
    }

    /// <summary>
    /// A controller marks a node's pods. None may be of a node whose kernel answers that controller, the speaker that said so, or any other
    /// node that runs, for longer than it takes to find out.
    /// </summary>
    public void NoteMark(SimulatedController controller, StatedLoss loss)
    {
        var lost = cluster[loss.Statement.Node];
        Marks.Add((controller.Node.Name, lost.Name, cluster.Now));
        cluster.Say($"controller on {controller.Node.Name} marks {lost.Name}");
        if (lost.Powered && cluster.Now - LastEdge > Overlap
            && cluster.Nodes.Find(other => other != lost && other.Powered && cluster.Wire.Passes(other.Port, lost.Port) && cluster.Wire.Passes(lost.Port, other.Port)) is { } reaches
            && (reaches == controller.Node || reaches.Name == loss.Reporter || reaches.Speaker is { Stopped: false }))
        {
            WrongMark ??= $"the controller on {controller.Node.Name} marks {lost.Name}, whose kernel answers {reaches.Name}";
            Violate(WrongMark);
        }
    }

    public void Look()
    {
        foreach (var vip in cluster.Vips)
        {
            if (!vips.TryGetValue(vip, out var seen))
            {
                vips.Add(vip, seen = new Seen());
            }

            Look(vip, seen);
        }
    }

    private void Look(IpAddress vip, Seen seen)
    {
        var now = cluster.Now;
        var answers = cluster.Answers(vip).Distinct().ToList();
        var macs = answers.Select(answer => answer.Mac).Distinct().ToList();
        var served = macs.Exists(cluster.Reaches);
        seen.Note(macs);
        seen.ConflictSince = Conflict(answers) ? seen.ConflictSince ?? now : null;
        seen.SilenceSince = served ? null : seen.SilenceSince ?? now;
        LongestConflict = Longer(LongestConflict, now - seen.ConflictSince);
        LongestSilence = Longer(LongestSilence, now - seen.SilenceSince);
        if (Since(seen.ConflictSince) > Overlap + Interval)
        {
            Violate($"{vip} is answered with [{string.Join(", ", macs)}] by [{string.Join(", ", answers.Select(answer => answer.Node.Name))}] for more than {Overlap.TotalSeconds} s");
        }

        if (Strict && Since(seen.SilenceSince) > Gap + Interval && Able(vip) is { } able)
        {
            Violate($"{vip} was answered by nobody for {Gap.TotalMilliseconds} ms, although {able.Name} could ({string.Join(", ", answers.Select(answer => $"{answer.Node.Name} answers {answer.Mac}"))})");
        }

        seen.WrongSince = served && cluster.Client.Cached(vip) is { } cached && !macs.Contains(cached.Mac) ? seen.WrongSince ?? now : null;
        if (Strict && cluster.Wire.LossPerMille == 0 && !(cluster.HasNoWitness && cluster.Nodes.Exists(static node => node.SpeakerDeaf || node.Port.Deaf)) && Since(seen.WrongSince) > StaleCache)
        {
            Violate($"the client sends traffic for {vip} to {cluster.Client.Cached(vip)!.Value.Mac}, which is answered with {macs[0]}");
        }

        TimeSpan Since(TimeSpan? since) => since is { } began ? now - (began > LastEdge ? began : LastEdge) : default;
    }

    // Two that hear nothing of each other cannot know; with several faults at once, one way is no more than none.
    private bool Conflict(List<(SimulatedNode Node, MacAddress Mac)> answers)
    {
        if (!Strict && cluster.Wire.LossPerMille > 20)
        {
            return false;
        }

        foreach (var (a, first) in answers)
        {
            foreach (var (b, second) in answers)
            {
                if (first != second && !(cluster.Api.KeepsApart(a.Speaker!, b.Speaker!) || cluster.Api.KeepsApart(b.Speaker!, a.Speaker!)) && (a == b || CanKnow(cluster.Wire.Passes(a.Port, b.Port), cluster.Wire.Passes(b.Port, a.Port))))
                {
                    return true;
                }
            }
        }

        return false;

        bool CanKnow(bool there, bool back) => Strict ? there || back : there && back;
    }

    // A node that has run since before the fault, and to which nothing happened.
    private SimulatedNode? Able(IpAddress vip) => cluster.Nodes.FirstOrDefault(node =>
        cluster.IsEligible(node, vip) && !unable.Contains(node) && node.RunsFor > TimeSpan.FromSeconds(2) && node.Speaker!.StartedAt < LastEdge - TimeSpan.FromSeconds(2) && !node.Speaker.Leaving
        && !node.SpeakerDeaf && cluster.Reaches(node.Port));

    /// <summary>Something is not as it must be.</summary>
    public void Violate(string what)
    {
        if (Violation is null)
        {
            Violation = $"at {cluster.Now.TotalMilliseconds:0} ms: {what}";
            cluster.Say(Violation);
        }
    }

    private static TimeSpan Longer(TimeSpan longest, TimeSpan? lasted) => lasted > longest ? lasted.Value : longest;

    private sealed class Seen
    {
        private MacAddress? last;

        public HashSet<MacAddress> Macs { get; } = [];

        public int Moves { get; private set; }

        public TimeSpan? ConflictSince { get; set; }

        public TimeSpan? SilenceSince { get; set; }

        public TimeSpan? WrongSince { get; set; }

        public void Note(List<MacAddress> macs)
        {
            Macs.UnionWith(macs);
            if (macs is [var only])
            {
                Moves += last is { } before && before != only ? 1 : 0;
                last = only;
            }
        }
    }
}
