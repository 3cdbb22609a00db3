using System.Diagnostics;
using System.Xml.Linq;

namespace LoadBalancer.Manifests.Tests.Limits;

/// <summary>A test that hangs fails alone, with its name and the place where it hangs, and the run ends.</summary>
public sealed class LimitTests : IDisposable
{
    private const string LeftBehind = @"did not end within 4 s, nor when it was cancelled: it was left behind\. It waits:(\s+in LoadBalancer\.Testing\.\S+)?\s+in \S+";

    private readonly string _report = Path.GetTempFileName();

    public void Dispose() => File.Delete(_report);

    [Fact]
    public async Task TestThatHangs_FailsAloneAndSaysWhere()
    {
        var results = await RunHangingTestsAsync();

        Assert.Equal("", results["Passes"]);
        Assert.Matches(LeftBehind + @"HangingTests\.Awaiting\.WaitsForEver\s+in \S+\.Awaiting\.StepAsync\s+for ", results["WaitsForEver"]);
        Assert.Matches(LeftBehind + @"HangingTests\.BlockingLater\.BlocksAThreadLater\s+on a thread: it runs, or blocks", results["BlocksAThreadLater"]);
        Assert.Matches(LeftBehind + @"HangingTests\.Disposing\.DisposeAsync\s+for ", results["DisposalHangs"]);
        Assert.Matches(@"did not end within 4 s\. It waits:\s+in \S+HangingTests\.Cancellable\.WaitsUntilItIsCancelled", results["WaitsUntilItIsCancelled"]);
        Assert.Matches(
            @"(?s)did not end within 4 s\. It blocks its thread.*ManualResetEventSlim\.Wait.*HangingTests\.Blocking\.BlocksItsThread", results["BlocksItsThread"]);
        Assert.Equal(6, results.Count);
    }

    // The name of each test and how it failed, "" if it did not.
    private async Task<Dictionary<string, string>> RunHangingTestsAsync()
    {
        var cancel = TestContext.Current.CancellationToken;
        var program = Path.Combine(AppContext.BaseDirectory, typeof(LimitTests).Assembly.GetName().Name!);
        string[] arguments = ["-noLogo", "-noColor", "-explicit", "only", "-class", "*.HangingTests+*", "-maxThreads", "unlimited", "-xml", _report];
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardInput = true })!;
        process.StandardInput.Close();
        var printed = await process.StandardOutput.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        Assert.True(process.ExitCode == 1, printed);
        return XDocument.Load(_report).Descendants("test").ToDictionary(
            test => (string)test.Attribute("method")!,
            test => string.Concat(test.Descendants("message").Concat(test.Descendants("stack-trace")).Select(text => text.Value)));
    }
}
