using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Report;

/// <summary>
/// Questions to what one thread alone knows: they wait for its next turn, so that it shares nothing, takes no lock, and shows one moment.
/// One question waits at a time; it takes the place of one that nobody waits for any more.
/// </summary>
/// <typeparam name="TState">What the thread knows.</typeparam>
/// <param name="wake">Wakes it.</param>
public sealed class Inquiries<TState>(WakeUp wake)
{
    private Action<TState>? waiting;

    /// <summary>Asks. From any thread.</summary>
    /// <param name="read">Takes a copy of what is wanted, on the thread that is asked; quickly.</param>
    public Task<TResult> AskAsync<TResult>(Func<TState, TResult> read)
    {
        var answer = new TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref waiting, state =>
        {
            try
            {
                answer.SetResult(read(state));
            }
#pragma warning disable CA1031 // Whoever asked gets to know; the thread that was asked goes on with its work.
            catch (Exception e)
#pragma warning restore CA1031
            {
                answer.SetException(e);
            }
        });
        wake.Signal();
        return answer.Task;
    }

    /// <summary>Answers, if somebody asked. On the thread that is asked.</summary>
    public void Answer(TState state) => Interlocked.Exchange(ref waiting, null)?.Invoke(state);
}
