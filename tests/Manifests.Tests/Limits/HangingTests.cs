using LoadBalancer.Testing;

namespace LoadBalancer.Manifests.Tests.Limits;

/// <summary>
/// Tests that hang, each in another way, and one beside them that passes; a class for each, so that they hang at the same time. They run
/// only when <see cref="LimitTests"/> asks for them.
/// </summary>
public static class HangingTests
{
    /// <summary>Seconds: enough to begin on a machine that has much else to do.</summary>
    internal const int Limit = 4;

    private const string Wanted = "they are to hang, and a test waits for them";

    private static readonly TaskCompletionSource Never = new();

    [Limit(Limit, Wanted)]
    public sealed class Awaiting
    {
        [Fact(Explicit = true)]
        public async Task WaitsForEver() => await StepAsync();

        private static async Task StepAsync()
        {
            await Task.Yield();
            await Never.Task;
        }
    }

    [Limit(Limit, Wanted)]
    public sealed class Cancellable
    {
        [Fact(Explicit = true)]
        public async Task WaitsUntilItIsCancelled() => await Never.Task.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Limit(Limit, Wanted)]
    public sealed class Blocking
    {
        [Fact(Explicit = true)]
        public void BlocksItsThread()
        {
            using var gate = new ManualResetEventSlim();
            gate.Wait(CancellationToken.None);
        }
    }

    [Limit(Limit, Wanted)]
    public sealed class BlockingLater
    {
        [Fact(Explicit = true)]
        public async Task BlocksAThreadLater()
        {
            await Task.Yield();
            using var gate = new ManualResetEventSlim();
            gate.Wait(CancellationToken.None);
        }
    }

    [Limit(Limit, Wanted)]
    public sealed class Disposing : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await Never.Task;

        [Fact(Explicit = true)]
        public void DisposalHangs()
        {
        }
    }

    public sealed class Passing
    {
        [Fact(Explicit = true)]
        public void Passes()
        {
        }
    }
}
