using System.Diagnostics.CodeAnalysis;

namespace LoadBalancer.Kubernetes.Events;

/// <summary>
/// The Events of objects that have used up their budget: of each reason the newest, until there is room for it. So an object that changes
/// all the time is told of now and then, and how it is in the end is told always. Used by one task.
/// </summary>
internal sealed class HeldEvents(EventBudget budget, TimeProvider time)
{
    /// <summary>The newest goes first, except what was kept back for so long.</summary>
    internal static readonly TimeSpan LongestHeld = TimeSpan.FromMinutes(30);

    // More than have a budget to use up at a time: what is given up is the one that has waited longest.
    private const int MostObjects = 4096;

    private readonly Dictionary<EventTarget, List<Held>> objects = [];

    /// <summary>How many are held.</summary>
    internal int Count => objects.Sum(static entry => entry.Value.Count);

    /// <summary>Keeps an Event for later.</summary>
    /// <returns>How many others will not be written for it: the older one of its reason.</returns>
    internal int Hold(WaitingEvent waiting)
    {
        var target = waiting.Subject.Target;
        var given = objects.ContainsKey(target) || objects.Count < MostObjects ? 0 : GiveUpOne();
        if (!objects.TryGetValue(target, out var its))
        {
            objects.Add(target, its = []);
        }

        var older = its.FindIndex(held => held.Event.Subject.Reason == waiting.Subject.Reason);
        var since = waiting.At;
        if (older >= 0)
        {
            since = its[older].Since;
            its.RemoveAt(older);
        }

        its.Add(new Held(waiting, since));
        return older >= 0 ? given + 1 : given;
    }

    /// <summary>Drops what is no longer worth telling, now that this is written: the older news of its reason.</summary>
    /// <returns>How many were dropped.</returns>
    internal int Supersede(WaitingEvent written)
    {
        var subject = written.Subject;
        if (!objects.TryGetValue(subject.Target, out var its))
        {
            return 0;
        }

        // What is said to be so still takes the place of the same news only: of others of its reason it may be the older one.
        var dropped = its.RemoveAll(held => written.Age is null ? held.Event.Subject.Reason == subject.Reason : held.Event.Subject == subject);
        if (its.Count == 0)
        {
            objects.Remove(subject.Target);
        }

        return dropped;
    }

    /// <summary>Takes one that may be written now, and the room for it.</summary>
    internal bool TryTakeDue([NotNullWhen(true)] out WaitingEvent? due)
    {
        foreach (var (target, its) in objects)
        {
            if (budget.TryTake(target))
            {
                // The patience with a server that is away begins now.
                due = Take(target, its) with { At = time.GetTimestamp() };
                return true;
            }
        }

        due = null;
        return false;
    }

    /// <summary>Takes one, whether there is room or not.</summary>
    internal bool TryTakeAny([NotNullWhen(true)] out WaitingEvent? any)
    {
        foreach (var (target, its) in objects)
        {
            any = Take(target, its);
            return true;
        }

        any = null;
        return false;
    }

    /// <summary>How long until there is room for one; null if none is held.</summary>
    internal TimeSpan? Wait()
    {
        TimeSpan? shortest = null;
        foreach (var (target, _) in objects)
        {
            var wait = budget.WaitOf(target);
            shortest = shortest < wait ? shortest : wait;
        }

        return shortest;
    }

    private WaitingEvent Take(EventTarget target, List<Held> its)
    {
        var overdue = its.FindIndex(held => time.GetElapsedTime(held.Since) >= LongestHeld);
        var index = overdue >= 0 ? overdue : its.Count - 1;
        var taken = its[index].Event;
        its.RemoveAt(index);
        if (its.Count == 0)
        {
            objects.Remove(target);
        }

        return taken;
    }

    private int GiveUpOne()
    {
        var oldest = objects.MinBy(static entry => entry.Value[^1].Event.At);
        objects.Remove(oldest.Key);
        return oldest.Value.Count;
    }

    /// <param name="Event">The newest of its reason.</param>
    /// <param name="Since">Since when there is one of its reason.</param>
    private readonly record struct Held(WaitingEvent Event, long Since);
}
