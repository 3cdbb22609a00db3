using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>
/// What this speaker has to say of one VIP, from when it became so: told to each Service of the VIP once, and said again while it lasts,
/// before the API server forgets it.
/// </summary>
internal sealed class Statement(TimeSpan since, TimeSpan due)
{
    // Mostly one Service, and mostly none is awaited: there is a statement for each of thousands of VIPs.
    private IReadOnlyList<AnnouncedService> told = [];
    private Dictionary<string, TimeSpan>? awaited;

    /// <summary>What was said; null before.</summary>
    public AnnouncementText? Text { get; private set; }

    /// <summary>Who had the VIP, while it is not said yet why it moved.</summary>
    public string? Former { get; init; }

    /// <summary>Since when it is so.</summary>
    public TimeSpan Since { get; } = since;

    /// <summary>When it is to be said, or said again.</summary>
    public TimeSpan Due { get; private set; } = due;

    /// <summary>When something is to be said next, to a Service that came later perhaps.</summary>
    public TimeSpan NextDue => Text is null || awaited is null ? Due : Min(Due, awaited.Values.Min());

    /// <summary>It was said already by a former run of this program: not now, but within a while.</summary>
    public void Withhold(AnnouncementText was, IEnumerable<AnnouncedService> services, TimeSpan until)
    {
        Text = was;
        told = [.. services];
        Due = until;
    }

    /// <summary>Not now, or not by this speaker: look again then.</summary>
    public void Wait(TimeSpan until) => Due = until;

    /// <summary>Says it: to whom it is new as an Event, to the others as still so.</summary>
    public void Tell(AnnouncementText now, IReadOnlyList<AnnouncedService> services, IEventRecorder recorder, TimeSpan at)
    {
        if (Text != now)
        {
            told = [];
            Text = now;
        }

        foreach (var service in services)
        {
            if (IsAwaited(service, at))
            {
                continue;
            }

            if (IsNew(service))
            {
                Record(service, recorder);
            }
            else
            {
                recorder.Repeat(EventTarget.For(service), now.Severity, now.Reason.ToString(), now.Message, at - Since);
            }
        }

        Due = at + IEventRecorder.RepeatPeriod;
    }

    /// <summary>Says it to Services that came to the VIP later.</summary>
    public void TellNewcomers(IReadOnlyList<AnnouncedService> services, IEventRecorder recorder)
    {
        foreach (var service in services)
        {
            if (Text is not null && IsNew(service))
            {
                Record(service, recorder);
            }
        }
    }

    /// <summary>To those of these Services that are new it is said only then: what is so in a Service's first seconds is no news.</summary>
    public void Await(IReadOnlyList<AnnouncedService> services, TimeSpan until)
    {
        foreach (var service in services)
        {
            if (!WasTold(service))
            {
                (awaited ??= new(StringComparer.Ordinal)).TryAdd(service.Uid, until);
            }
        }
    }

    /// <summary>Says it to Services that came later, for whom it has been so long enough now.</summary>
    public void TellAwaited(IReadOnlyList<AnnouncedService> services, IEventRecorder recorder, TimeSpan at)
    {
        TellNewcomers([.. services.Where(service => !IsAwaited(service, at))], recorder);

        // Those that are gone need not be waited for.
        foreach (var (uid, until) in awaited ?? [])
        {
            if (until <= at)
            {
                AwaitNoMore(uid);
            }
        }
    }

    private bool IsAwaited(AnnouncedService service, TimeSpan at)
    {
        if (awaited is null)
        {
            return false;
        }

        if (awaited.TryGetValue(service.Uid, out var until) && at < until)
        {
            return true;
        }

        AwaitNoMore(service.Uid);
        return false;
    }

    private void AwaitNoMore(string uid)
    {
        awaited!.Remove(uid);
        awaited = awaited.Count == 0 ? null : awaited;
    }

    private bool WasTold(AnnouncedService service)
    {
        foreach (var one in told)
        {
            if (one.IsSameObjectAs(service))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsNew(AnnouncedService service)
    {
        if (WasTold(service))
        {
            return false;
        }

        told = [.. told, service];
        return true;
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private void Record(AnnouncedService service, IEventRecorder recorder) =>
        recorder.Record(EventTarget.For(service), Text!.Severity, Text.Reason.ToString(), Text.Message);
}
