using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Report;
using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Kubernetes.Tests.Report;

public sealed class RememberedEventsTests
{
    private readonly FakeTimeProvider time = new();
    private readonly Written written = new();
    private readonly RememberedEvents events;

    public RememberedEventsTests() => events = new RememberedEvents(written, time);

    [Fact]
    public void Event_IsWrittenAndRemembered()
    {
        events.Record(Target("web"), EventSeverity.Warning, "AllocationFailed", "no address");

        var change = Assert.Single(events.Latest);
        Assert.Equal((time.GetUtcNow(), "Service", "prod", "web", "Warning", "AllocationFailed", "no address"),
            (change.At, change.Kind, change.Namespace, change.Name, change.Type, change.Reason, change.Message));
        Assert.Equal(["AllocationFailed"], written.Reasons);
    }

    [Fact]
    public void Repetition_IsNoChange()
    {
        events.Repeat(Target("web"), EventSeverity.Warning, "AllocationFailed", "no address", TimeSpan.FromHours(1));

        Assert.Empty(events.Latest);
        Assert.Equal(["AllocationFailed again"], written.Reasons);
    }

    [Fact]
    public void Latest_ComesFirst_AndTheOldestAreForgotten()
    {
        for (var i = 0; i < RememberedEvents.Capacity + 5; i++)
        {
            events.Record(Target($"s{i}"), EventSeverity.Normal, "IPAllocated", "");
        }

        Assert.Equal(RememberedEvents.Capacity, events.Latest.Count);
        Assert.Equal(($"s{RememberedEvents.Capacity + 4}", "s5"), (events.Latest[0].Name, events.Latest[^1].Name));
    }

    private static EventTarget Target(string name) => new("v1", "Service", new ObjectKey("prod", name), name);

    private sealed class Written : IEventRecorder
    {
        public List<string> Reasons { get; } = [];

        public void Record(EventTarget target, EventSeverity severity, string reason, string message) => Reasons.Add(reason);

        public void Repeat(EventTarget target, EventSeverity severity, string reason, string message, TimeSpan age) => Reasons.Add(reason + " again");
    }
}
