using LoadBalancer.Speaker.Answering.Kernel;
using LoadBalancer.Status;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoadBalancer.Speaker.Tests.Answering.Kernel;

public sealed class KernelPartTests
{
    [Fact]
    public void SwitchedOff_TheProcessAnswers_AndNobodyAskedTheKernel()
    {
        using var part = KernelPart.Load(KernelUse.Off, null, TimeSpan.FromSeconds(30), TimeProvider.System, NullLogger.Instance);
        Assert.Equal(new AnsweringStatus(), part.AnsweringOn("eth0"));
    }

    // A part of the speaker that ends takes the speaker with it.
    [Fact]
    public async Task WithoutTheProgram_ItRunsUntilCancelled()
    {
        using var part = KernelPart.Load(KernelUse.Off, null, TimeSpan.FromSeconds(30), TimeProvider.System, NullLogger.Instance);
        using var rest = new CancellationTokenSource();
        var running = part.RunAsync(rest.Token);
        Assert.False(running.IsCompleted);
        await rest.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
    }
}
