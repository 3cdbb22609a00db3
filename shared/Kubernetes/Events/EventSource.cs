namespace LoadBalancer.Kubernetes.Events;

/// <summary>Who reports Events: the column FROM of <c>kubectl describe</c>.</summary>
/// <param name="Component">The program: <c>loadbalancer-controller</c>.</param>
/// <param name="Host">The node or pod it runs on.</param>
public sealed record EventSource(string Component, string Host);

/// <summary>What became of an Event: a metric label.</summary>
public enum EventOutcome
{
    /// <summary>A new Event was written.</summary>
    Created,

    /// <summary>The count of an earlier one was raised.</summary>
    Counted,

    /// <summary>The object has had too many, and a newer one took this one's place; see the budget.</summary>
    Limited,

    /// <summary>The queue was full, and this was the oldest in it.</summary>
    Overflowed,

    /// <summary>The server refused it or could not be reached.</summary>
    Failed,
}
