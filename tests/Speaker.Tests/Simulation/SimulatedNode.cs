namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>A node: a machine with a kernel that answers for its own address, its way to the API server, and a speaker that comes and goes.</summary>
internal sealed class SimulatedNode(SimulatedCluster cluster, string name, int index) : SimulatedHost(cluster.Time, cluster.Wire, name)
{
    private bool reachesApi = true;

    public int Index => index;

    public Port Port => Ports[0];

    public SimulatedSpeaker? Speaker { get; private set; }

    /// <summary>Whether its speaker runs, for how long it did.</summary>
    public TimeSpan? RunsFor => Powered && Speaker is { Stopped: false } speaker ? cluster.Now - speaker.StartedAt : null;

    /// <summary>The speaker's sockets give it nothing although the node hears.</summary>
    public bool SpeakerDeaf { get; set; }

    /// <summary>How far what its watches tell lies behind.</summary>
    public TimeSpan WatchLag { get; set; }

    /// <summary>Whether the API server can be reached from here.</summary>
    public bool ReachesApi
    {
        get => reachesApi && Powered;
        set
        {
            reachesApi = value;
            if (value)
            {
                Speaker?.Api.Connect();
            }
            else
            {
                Speaker?.Api.Disconnect();
            }
        }
    }

    public void StartSpeaker()
    {
        KillSpeaker();
        Speaker = new SimulatedSpeaker(this, cluster, cluster.NextBoot());
    }

    public void KillSpeaker()
    {
        Speaker?.Dispose();
        Speaker = null;
    }

    public void PowerOff()
    {
        KillSpeaker();
        Powered = false;
    }

    public void PowerOn()
    {
        Powered = true;
        StartSpeaker();
    }

    /// <summary>The carrier, the hardware address or the interface itself changed; a moment later the speaker has been told.</summary>
    public void LinksChanged() => Time.After(Time.Between(200, 20_000), () => Speaker?.FollowLinks());

    public void SetCarrier(bool carrier)
    {
        foreach (var port in Ports)
        {
            port.Carrier = carrier;
        }

        LinksChanged();
    }

    /// <summary>Something comes to a process, if it is still that one.</summary>
    public void Do(ApiView view, Action action)
    {
        if (Speaker?.Api == view)
        {
            Speaker.Do(action);
        }
    }

    public void Exited(SimulatedSpeaker which)
    {
        if (Speaker == which)
        {
            KillSpeaker();
        }
    }

    public override void Hear(Port port, byte[] frame)
    {
        base.Hear(port, frame);
        if (Powered && port.Carrier && port.Present && !SpeakerDeaf)
        {
            Speaker?.Hear(port, frame);
        }
    }
}
