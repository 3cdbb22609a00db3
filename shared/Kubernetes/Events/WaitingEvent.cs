namespace LoadBalancer.Kubernetes.Events;

/// <summary>What an Event says of what: the same again raises the count of the first.</summary>
/// <param name="Target">What it is about.</param>
/// <param name="Severity">Normal or Warning.</param>
/// <param name="Reason">In one word.</param>
/// <param name="Message">For people.</param>
internal sealed record EventSubject(EventTarget Target, EventSeverity Severity, string Reason, string Message);

/// <summary>An Event that is to be written.</summary>
/// <param name="Subject">What it says.</param>
/// <param name="Recorded">When it was recorded, by the wall clock: the time it is written with.</param>
/// <param name="At">The same by the clock's timestamp.</param>
/// <param name="Age">For how long it has been so, if it repeats what was told; null for news.</param>
internal sealed record WaitingEvent(EventSubject Subject, DateTimeOffset Recorded, long At, TimeSpan? Age);
