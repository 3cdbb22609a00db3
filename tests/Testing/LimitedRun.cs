using LoadBalancer.Testing;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestPipelineStartup(typeof(LimitedRun))]

namespace LoadBalancer.Testing;

/// <summary>Gives every test of the assembly a limit. The runner itself ends a process whose threads a test has left behind.</summary>
public sealed class LimitedRun : ITestPipelineStartup
{
    public ValueTask StartAsync(IMessageSink diagnosticMessageSink)
    {
        XunitTestRunner.Instance = new LimitedTestRunner();
        return ValueTask.CompletedTask;
    }

    public ValueTask StopAsync() => ValueTask.CompletedTask;
}
