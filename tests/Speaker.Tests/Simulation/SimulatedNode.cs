namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>A node: a machine with a kernel that answers for its own address, its way to the API server, and a speaker that comes and goes.</summary>
internal sealed class SimulatedNode(SimulatedCluster cluster, string name, int index) : SimulatedHost(cluster.Time, cluster.Wire, name)
{
    private bool reachesApi = true;
    private bool? hadController;

    public int Index => index;

    public Port Port => Ports[0];

    public SimulatedSpeaker? Speaker { get; private set; }

    /// <summary>Whether its speaker runs, for how long it did.</summary>
    public TimeSpan? RunsFor => Powered && Speaker is { Stopped: false } speaker ? cluster.Now - speaker.StartedAt : null;

    /// <summary>The speaker's sockets give it nothing although the node hears.</summary>
    public bool SpeakerDeaf { get; set; }

    /// <summary>What its speaker sends is lost although the node's kernel is heard.</summary>
    public bool SpeakerMute { get; set; }

    /// <summary>A firewall drops what is sent to its kubelet's port.</summary>
    public bool KubeletFiltered { get; set; }

    /// <summary>How far its wall clock is ahead of the others'.</summary>
    public TimeSpan ClockAhead { get; set; }

    /// <summary>The controller's replica on it, if there is one.</summary>
    public SimulatedController? Controller { get; private set; }

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
                Controller?.Connect();
            }
            else
            {
                Speaker?.Api.Disconnect();
                Controller?.Api.Disconnect();
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

    public void StartController(bool leads)
    {
        Controller?.Dispose();
        Controller = new SimulatedController(this, cluster, leads);
    }

    public void PowerOff()
    {
        KillSpeaker();
        if (Controller is { } controller)
        {
            Controller = null;
            controller.Dispose();
            hadController = controller.Leads;
        }

        Powered = false;
    }

    public void PowerOn()
    {
        Powered = true;
        StartSpeaker();
        if (hadController is { } leads)
        {
            StartController(leads);
        }
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
        else if (Controller?.Api == view)
        {
            action();
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
