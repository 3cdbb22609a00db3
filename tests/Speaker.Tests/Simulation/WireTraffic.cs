namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>What was sent since it was last asked.</summary>
internal sealed class WireTraffic
{
    private readonly SimulatedCluster cluster;
    private readonly Dictionary<SimulatedHost, int> sent = [];
    private int broadcasts;
    private int questions;
    private TimeSpan since;

    public WireTraffic(SimulatedCluster cluster)
    {
        this.cluster = cluster;
        since = cluster.Now;
        cluster.Wire.Sent = (port, frame) =>
        {
            sent[port.Host] = sent.GetValueOrDefault(port.Host) + 1;
            broadcasts += frame[0] == 0xff ? 1 : 0;
            questions += frame[12] == 8 && frame[13] == 6 && frame[21] == 1 ? 1 : 0;
        };
    }

    /// <summary>In a second, by the node that sent most.</summary>
    public double MostPerNode => sent.Where(static entry => entry.Key is SimulatedNode).Max(static entry => entry.Value) / (cluster.Now - since).TotalSeconds;

    /// <summary>In a second, by all.</summary>
    public double Broadcasts => broadcasts / (cluster.Now - since).TotalSeconds;

    public override string ToString()
    {
        var seconds = (cluster.Now - since).TotalSeconds;
        var average = sent.Where(static entry => entry.Key is SimulatedNode).Sum(static entry => entry.Value) / seconds / cluster.Nodes.Count;
        var text = $"{average:0} frames/s by a node, {MostPerNode:0} by the one that sent most, {Broadcasts:0} broadcasts/s, {questions / seconds:0} ARP requests/s";
        sent.Clear();
        (broadcasts, questions, since) = (0, 0, cluster.Now);
        return text;
    }
}
