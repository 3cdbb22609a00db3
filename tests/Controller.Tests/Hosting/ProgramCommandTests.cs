using LoadBalancer.Hosting;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller.Tests.Hosting;

public sealed class ProgramCommandTests
{
    [Theory]
    [InlineData("127.0.0.1:7472", "127.0.0.1:7472")]
    [InlineData("[::1]:80", "[::1]:80")]
    [InlineData(":7472", "[::]:7472")]
    public void Listen_ReadsAddressAndPort(string text, string expected) =>
        Assert.Equal(expected, ProgramCommand.ParseEndpoint(text).ToString());

    [Theory]
    [InlineData("7472")]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("localhost:80")]
    [InlineData("127.0.0.1:70000")]
    public void Listen_RefusesWhatHasNoPortOrNoAddress(string text) =>
        Assert.Throws<FormatException>(() => ProgramCommand.ParseEndpoint(text));

    [Fact]
    public async Task Flags_AreReadIntoOptions()
    {
        var options = await RunAsync("--namespace", "lb", "--config-map", "pools", "--lb-class", "example.com/lb", "--log-level", "WARN");

        Assert.Equal("lb", options!.Namespace);
        Assert.Equal("pools", options.ConfigMap);
        Assert.Equal("example.com/lb", options.LoadBalancerClass);
        Assert.Equal(LogLevel.Warning, options.LogLevel);
    }

    [Fact]
    public async Task NoFlags_TheDefaultsOfTheDocumentation()
    {
        var options = await RunAsync();

        Assert.Equal("loadbalancer-system", options!.Namespace);
        Assert.Equal("config", options.ConfigMap);
        Assert.Null(options.LoadBalancerClass);
        Assert.Null(options.Kubeconfig);
        Assert.Equal(7472, options.Listen.Port);
    }

    [Fact]
    public async Task Help_ShowsEachDefaultAsItWouldBeWritten()
    {
        var command = new ProgramCommand("Test.", ":7472");
        command.Add<IReadOnlyList<string>>("--names", "NAME,…", "Test.", "one,two", text => text.Split(','));
        using var shown = new StringWriter();

        Assert.Equal(0, await command.RunAsync(["--help"], (_, _) => Task.FromResult(1), shown));

        var defaults = shown.ToString().Split('\n').Where(line => line.Contains("[default: ", StringComparison.Ordinal)).Select(line => line.Split("[default: ")[1].Trim().TrimEnd(']'));
        Assert.Equal(["loadbalancer-system", "config", "info", ":7472", "one,two"], defaults);
    }

    [Theory]
    [InlineData("--log-level", "loud")]
    [InlineData("--listen", "nowhere")]
    [InlineData("--namespace", "")]
    [InlineData("--unknown", "x")]
    public async Task BadFlag_DoesNotRun(string flag, string value)
    {
        var ran = false;
        var status = await new ProgramCommand("Test.", ":7472").RunAsync([flag, value], (_, _) =>
        {
            ran = true;
            return Task.FromResult(0);
        });

        Assert.Equal(2, status);
        Assert.False(ran);
    }

    [Fact]
    public async Task Environment_SetsWhatNoFlagSets()
    {
        var command = new ProgramCommand("Test.", ":7472");
        var own = command.Add<string>("--test-only-name", "NAME", "Test.", "fallback", ProgramCommand.NotEmpty);
        Environment.SetEnvironmentVariable("LB_TEST_ONLY_NAME", "from-environment");
        try
        {
            string? plain = null, flagged = null;
            await command.RunAsync([], (_, parsed) => Task.FromResult((plain = parsed.GetValue(own)) is null ? 1 : 0));
            await command.RunAsync(["--test-only-name", "from-flag"], (_, parsed) => Task.FromResult((flagged = parsed.GetValue(own)) is null ? 1 : 0));

            Assert.Equal("from-environment", plain);
            Assert.Equal("from-flag", flagged);
        }
        finally
        {
            Environment.SetEnvironmentVariable("LB_TEST_ONLY_NAME", null);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true, "--on")]
    [InlineData(true, "--on", "true")]
    [InlineData(true, "--on=true")]
    [InlineData(false, "--on", "false")]
    [InlineData(true, "--also-on")]
    [InlineData(true, "--on", "--namespace", "lb")]
    public async Task Switch_IsOnWhenGiven_UnderEachOfItsNames(bool expected, params string[] args)
    {
        var command = new ProgramCommand("Test.", ":7472");
        var own = command.AddSwitch("--on", "Test.", "--also-on");
        bool? seen = null;
        Assert.Equal(0, await command.RunAsync(args, (_, parsed) => Task.FromResult((seen = parsed.GetValue(own)) is null ? 1 : 0)));
        Assert.Equal(expected, seen);
    }

    [Fact]
    public async Task Switch_WithAnotherWord_DoesNotRun()
    {
        var command = new ProgramCommand("Test.", ":7472");
        command.AddSwitch("--on", "Test.");
        Assert.Equal(2, await command.RunAsync(["--on=maybe"], static (_, _) => Task.FromResult(0)));
    }

    private static async Task<CommonOptions?> RunAsync(params string[] args)
    {
        CommonOptions? seen = null;
        var status = await new ProgramCommand("Test.", ":7472").RunAsync(args, (options, _) =>
        {
            seen = options;
            return Task.FromResult(0);
        });
        Assert.Equal(0, status);
        return seen;
    }
}
