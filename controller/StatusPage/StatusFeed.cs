using System.Threading.Channels;
using LoadBalancer.Status;

namespace LoadBalancer.Controller.StatusPage;

/// <summary>
/// Follows the status while somebody reads, once a second for all readers together, and gives each what changed. A reader that does not keep up is
/// let go; it comes back by itself and begins with everything.
/// </summary>
internal sealed class StatusFeed
{
    /// <summary>How many may read at once: whoever reaches the port may try.</summary>
    public const int MostReaders = 16;

    /// <summary>How many messages may wait for a reader.</summary>
    public const int MostWaiting = 8;

    /// <summary>How often the status is looked at.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>Without a change a message says that there is none this often, so that readers know that they still hear.</summary>
    public static readonly TimeSpan SignPeriod = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private readonly List<Channel<byte[]>> readers = [];
    private readonly List<Channel<byte[]>> newcomers = [];
    private PageState state = new();
    private long? madeAt;
    private long toldAt;
    private bool runs;

    /// <param name="time">A monotonic clock.</param>
    public StatusFeed(TimeProvider time) => this.time = time;

    /// <summary>Makes the status; null until the worker is there.</summary>
    public Func<Task<ControllerStatus>>? Source { get; set; }

    /// <summary>Begins to read.</summary>
    /// <returns>The messages, to be given back with <see cref="Leave"/>; null if too many read already, or nothing can be told yet.</returns>
    public ChannelReader<byte[]>? Join()
    {
        lock (gate)
        {
            if (Source is null || readers.Count + newcomers.Count >= MostReaders)
            {
                return null;
            }

            var reader = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MostWaiting) { SingleReader = true, SingleWriter = true });
            if (runs && madeAt is { } made && time.GetElapsedTime(made) < Period)
            {
                reader.Writer.TryWrite(state.Everything());
                readers.Add(reader);
            }
            else
            {
                newcomers.Add(reader);
            }

            if (!runs)
            {
                runs = true;
                _ = Task.Run(FollowAsync);
            }

            return reader.Reader;
        }
    }

    /// <summary>Ceases to read.</summary>
    public void Leave(ChannelReader<byte[]> reader)
    {
        lock (gate)
        {
            readers.RemoveAll(one => one.Reader == reader);
            newcomers.RemoveAll(one => one.Reader == reader);
        }
    }

    private async Task FollowAsync()
    {
        while (true)
        {
            ControllerStatus? status = null;
            try
            {
                status = await Source!().WaitAsync(Patience, time).ConfigureAwait(false);
            }
#pragma warning disable CA1031 // Readers see that nothing comes; the next second may be better.
            catch (Exception)
#pragma warning restore CA1031
            {
            }

            if (!Tell(status))
            {
                return;
            }

            await Task.Delay(Period, time).ConfigureAwait(false);
        }
    }

    // False when nobody reads any more.
    private bool Tell(ControllerStatus? status)
    {
        lock (gate)
        {
            if (readers.Count + newcomers.Count == 0)
            {
                (runs, madeAt, state) = (false, null, new PageState());
                return false;
            }

            if (status is null)
            {
                return true;
            }

            var change = state.Follow(status);
            madeAt = time.GetTimestamp();
            if (change is null && time.GetElapsedTime(toldAt) >= SignPeriod)
            {
                change = PageState.Unchanged(status.Program.At);
            }

            if (change is not null)
            {
                toldAt = madeAt.Value;
                Tell(readers, change);
            }

            if (newcomers.Count > 0)
            {
                Tell(newcomers, state.Everything());
                readers.AddRange(newcomers);
                newcomers.Clear();
            }

            return true;
        }
    }

    private static void Tell(List<Channel<byte[]>> readers, byte[] message)
    {
        foreach (var reader in readers)
        {
            if (!reader.Writer.TryWrite(message))
            {
                reader.Writer.TryComplete();
            }
        }
    }
}
