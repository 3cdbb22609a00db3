using Microsoft.Extensions.Hosting;

namespace LoadBalancer.Hosting;

/// <summary>
/// Gives memory back to the system when work is over. What a burst of changes leaves behind lies where a collector goes only when more is asked for,
/// and a program that has nothing to do asks for nothing: it would keep the burst's memory for days.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="allocated">How many bytes were allocated since the start of the process.</param>
/// <param name="held">How many bytes the heap has now, used or not.</param>
/// <param name="collect">Collects everything and gives back what is free.</param>
internal sealed class MemoryReturn(TimeProvider time, Func<long> allocated, Func<long> held, Action collect) : BackgroundService
{
    /// <summary>How often it is looked whether there is calm.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    /// <summary>Less than that allocated in an interval is calm.</summary>
    internal const long Calm = 1024 * 1024;

    /// <summary>So much allocated since the last time is worth the ten or twenty milliseconds in which no thread runs.</summary>
    internal const long Worth = 4 * 1024 * 1024;

    /// <summary>Without calm it is done after so many intervals at the soonest, and if the heap has grown by as much.</summary>
    internal const int Patience = 4;

    private long atLook;
    private long atReturn;
    private long heldThen;
    private int looks;

    /// <summary>Of this process.</summary>
    public MemoryReturn(TimeProvider time)
        : this(time, static () => GC.GetTotalAllocatedBytes(), static () => GC.GetTotalMemory(forceFullCollection: false), static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true))
    {
    }

    /// <summary>Looks once.</summary>
    internal void Look()
    {
        var now = allocated();
        looks++;
        if (now - atReturn >= Worth && (now - atLook < Calm || (looks > Patience && held() - heldThen >= Worth)))
        {
            collect();
            (atReturn, heldThen, looks) = (now, held(), 0);
        }

        atLook = now;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                Look();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The regular end.
        }
    }
}
