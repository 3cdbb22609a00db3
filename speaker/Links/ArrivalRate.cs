namespace LoadBalancer.Speaker.Links;

/// <summary>
/// Tells a storm from ordinary traffic by the times at which the kernel took the frames in. Waking up for every frame of a storm
/// costs far more than handling it, so in a storm frames are collected for a millisecond.
/// </summary>
internal struct ArrivalRate
{
    /// <summary>Frames per measurement.</summary>
    internal const int Window = 64;

    /// <summary>A window filled faster than this is a storm: 4,000 frames a second.</summary>
    internal const long StormMicroseconds = 16_000;

    private long windowStart;
    private int frames;

    /// <summary>Whether the last full window was a storm.</summary>
    internal bool IsStorm { get; private set; }

    /// <summary>Takes in the arrival of a frame, in microseconds of the kernel's clock. A step of that clock spoils one window.</summary>
    internal void Note(long microseconds)
    {
        if (frames == Window)
        {
            IsStorm = microseconds - windowStart is >= 0 and < StormMicroseconds;
            frames = 0;
        }

        if (frames++ == 0)
        {
            windowStart = microseconds;
        }
    }
}
