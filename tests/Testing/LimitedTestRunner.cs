using Xunit.v3;

namespace LoadBalancer.Testing;

/// <summary>
/// Runs each test within its limit, its construction and disposal with it. One that does not end is cancelled, and woken if it blocks its
/// thread; if it does not end then either, it is left behind. In each case it fails, the report says where it hung, and the run goes on.
/// </summary>
/// <remarks>The time-out of a <c>[Fact]</c> would have to be written on each test, and does not say where the test hung.</remarks>
internal sealed class LimitedTestRunner : XunitTestRunner
{
    // What a test that was cancelled may take to put its things away.
    private static readonly TimeSpan LongestGrace = TimeSpan.FromSeconds(20);

    protected override async ValueTask<TimeSpan> RunTest(XunitTestRunnerContext ctxt)
    {
        var limit = LimitAttribute.Of(ctxt.Test.TestMethod.Method, ctxt.Test.TestMethod.TestClass.Class);
        var begun = TimeProvider.System.GetTimestamp();
        var test = RunningTest.Start(ctxt.Test.TestDisplayName, () => base.RunTest(ctxt).AsTask());
        if (!await test.EndsWithinAsync(limit))
        {
            var place = test.Describe();

            // Not here: what runs on at the cancellation may block in its turn.
            _ = Task.Run(TestContext.Current.CancelCurrentTest);
            test.Wake();
            var ended = await test.EndsWithinAsync(limit < LongestGrace ? limit : LongestGrace);
            ctxt.Aggregator.Add(new TestHangsException(limit, ended, place));
        }

        return TimeProvider.System.GetElapsedTime(begun);
    }

    protected override ValueTask<(object? Instance, SynchronizationContext? SyncContext, ExecutionContext? ExecutionContext)> CreateTestClassInstance(
        XunitTestRunnerContext ctxt) => RunningTest.Step(base.CreateTestClassInstance(ctxt));

    protected override ValueTask<TimeSpan> InvokeTest(XunitTestRunnerContext ctxt, object? testClassInstance) =>
        RunningTest.Step(base.InvokeTest(ctxt, testClassInstance));

    protected override async ValueTask DisposeTestClassInstance(XunitTestRunnerContext ctxt, object testClassInstance) =>
        await RunningTest.Step(DisposeAsync(ctxt, testClassInstance));

    private async ValueTask<bool> DisposeAsync(XunitTestRunnerContext ctxt, object testClassInstance)
    {
        await base.DisposeTestClassInstance(ctxt, testClassInstance);
        return true;
    }
}

/// <summary>A test did not end within its limit.</summary>
public sealed class TestHangsException : Exception, ITestTimeoutException
{
    public TestHangsException(TimeSpan limit, bool ended, string place)
        : base($"The test did not end within {limit.TotalSeconds:0} s{(ended ? "" : ", nor when it was cancelled: it was left behind")}. {place}")
    {
    }
}
