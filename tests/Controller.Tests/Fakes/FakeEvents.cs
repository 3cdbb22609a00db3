using LoadBalancer.Kubernetes.Events;

namespace LoadBalancer.Controller.Tests.Fakes;

internal sealed class FakeEvents : IEventRecorder
{
    private readonly List<(string Name, string Reason, string Message)> all = [];
    private readonly Lock gate = new();

    public void Record(EventTarget target, EventSeverity severity, string reason, string message)
    {
        lock (gate)
        {
            all.Add((target.Key.Name, reason, message));
        }
    }

    /// <summary>What was said to be so still, with its age.</summary>
    public List<(string Name, string Reason, TimeSpan Age)> Repeated { get; } = [];

    public void Repeat(EventTarget target, EventSeverity severity, string reason, string message, TimeSpan age) =>
        Repeated.Add((target.Key.Name, reason, age));

    public (string Reason, string Message)[] Of(string name)
    {
        lock (gate)
        {
            return [.. all.Where(e => e.Name == name).Select(e => (e.Reason, e.Message))];
        }
    }

    public string[] ReasonsOf(string name) => [.. Of(name).Select(e => e.Reason)];
}
