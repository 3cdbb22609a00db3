using LoadBalancer.Core.Ownership;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>
/// Tells on this node's Node object (<c>kubectl describe node</c>) that speakers of a link's subnet are known by their Leases only: their
/// ports cannot reach each other, and what they own fails over at the speed of Leases. One thread at a time.
/// </summary>
/// <param name="recorder">Writes the Events.</param>
/// <param name="nodes">All Nodes.</param>
/// <param name="node">This node.</param>
public sealed class IsolationEvents(IEventRecorder recorder, IStore<NodeResource> nodes, string node)
{
    /// <summary>The reason while some are not heard.</summary>
    public const string NotHeard = "SpeakersNotHeard";

    /// <summary>The reason when all are heard again.</summary>
    public const string Heard = "SpeakersHeard";

    // A speaker that starts writes its Lease a second or two before it is heard, or after.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, State> links = new(StringComparer.Ordinal);

    /// <summary>Takes in who is alive on a link.</summary>
    /// <returns>When to be called again though nothing has changed, or null.</returns>
    public TimeSpan? Note(string link, SegmentView view, TimeSpan now)
    {
        var unheard = string.Join(", ",
            view.Peers.Where(peer => peer.Source == MemberSource.Lease).Select(peer => peer.Node).Order(StringComparer.Ordinal));
        if (!links.TryGetValue(link, out var state))
        {
            links.Add(link, state = new State());
        }

        if (state.Unheard != unheard)
        {
            state.Unheard = unheard;
            state.Since = now;
            state.Due = now + Patience;
        }

        if (now >= state.Due)
        {
            state.Due = now + IEventRecorder.RepeatPeriod;
            Tell(link, state, now);
        }

        return state.Unheard.Length > 0 || state.Told != state.Unheard ? state.Due : null;
    }

    /// <summary>A link is gone.</summary>
    public void Forget(string link) => links.Remove(link);

    private void Tell(string link, State state, TimeSpan now)
    {
        var target = EventTarget.ForNode(nodes, node);
        if (state.Unheard.Length == 0)
        {
            if (state.Told.Length > 0)
            {
                recorder.Record(target, EventSeverity.Normal, Heard, $"{link}: every speaker of this subnet is heard on the wire again");
            }
        }
        else
        {
            var message = $"{link}: not heard on the wire, known by their Leases only: the speakers of {state.Unheard}. Let frames of EtherType 0x88B5 "
                + "pass between the nodes' ports (port isolation, private VLAN, a filter of the hypervisor); until then addresses fail over "
                + "between these nodes in 40 s in place of half a second";
            if (state.Told == state.Unheard)
            {
                recorder.Repeat(target, EventSeverity.Warning, NotHeard, message, now - state.Since);
            }
            else
            {
                recorder.Record(target, EventSeverity.Warning, NotHeard, message);
            }
        }

        state.Told = state.Unheard;
    }

    private sealed class State
    {
        internal string Unheard { get; set; } = "";

        internal string Told { get; set; } = "";

        internal TimeSpan Since { get; set; }

        internal TimeSpan Due { get; set; } = TimeSpan.MaxValue;
    }
}
