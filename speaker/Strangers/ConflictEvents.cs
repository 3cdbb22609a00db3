using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Strangers;

/// <summary>Tells the Services of a VIP that another host uses it too, once per change.</summary>
internal sealed class ConflictEvents(IEventRecorder recorder, string node)
{
    /// <summary>A conflict began, or another host joined it.</summary>
    public void Began(IReadOnlyList<AnnouncedService> services, IpAddress vip, MacAddress stranger, string link)
    {
        var message = $"{vip} is in use by another host, too: hardware address {stranger}, heard by node {node} on {link}. Connections may "
            + "end up there. Find that host by its hardware address and give it another address; if it got this one by DHCP, take the "
            + "pool's addresses out of the range the router's DHCP server hands out";
        foreach (var service in services)
        {
            recorder.Record(EventTarget.For(service), EventSeverity.Warning, "AddressConflict", message);
        }
    }

    /// <summary>A conflict is over.</summary>
    public void Ended(IReadOnlyList<AnnouncedService> services, IpAddress vip, AddressConflict conflict)
    {
        foreach (var service in services)
        {
            recorder.Record(EventTarget.For(service), EventSeverity.Normal, "AddressConflictEnded",
                $"{vip} is not in use by another host any more: {conflict.Stranger} was not heard for {AddressConflicts.OverAfter.TotalMinutes:0} minutes");
        }
    }
}
