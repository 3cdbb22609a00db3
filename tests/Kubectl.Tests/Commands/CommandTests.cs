using LoadBalancer.Kubectl.Commands;

namespace LoadBalancer.Kubectl.Tests.Commands;

/// <summary>The command line: exit status, where what is written, completion.</summary>
public sealed class CommandTests
{
    private const string Good = "address-pools:\n- name: default\n  protocol: layer2\n  addresses: [10.0.0.1-10.0.0.2]\n";

    [Fact]
    public async Task CheckOfStandardInput_IsWell()
    {
        var (status, text, error) = await RunAsync(Good, "check", "-");

        Assert.Equal((0, "1 pools, 0 Services, 0 problems\n", ""), (status, text, error));
    }

    [Fact]
    public async Task CheckOfABadFile_Is1_InEachForm()
    {
        foreach (var form in (string[][])[[], ["-o", "json"], ["-o", "yaml"], ["-o", "github"]])
        {
            var (status, text, _) = await RunAsync("address-pools: 5\n", ["check", "-", .. form]);
            Assert.Equal(1, status);
            Assert.Contains("address-pools", text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("check")]
    [InlineData("check", "/nowhere/pools.yaml")]
    [InlineData("check", "-", "-o", "xml")]
    [InlineData("plan", "-")]
    [InlineData("migrate")]
    [InlineData("migrate", "-")]
    [InlineData("why")]
    [InlineData("nonsense")]
    [InlineData("status", "--kubeconfig", "/nowhere")]
    public async Task WrongUse_Is2_AndSaidOnStandardError(params string[] args)
    {
        var (status, text, error) = await RunAsync("kind: Nothing\n", args);

        Assert.Equal((2, ""), (status, text));
        Assert.NotEmpty(error);
    }

    [Fact]
    public async Task Migrate_WritesTheConfigMapOut_AndStepsAside()
    {
        var (status, text, error) = await RunAsync("apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: p}\nspec: {addresses: [10.0.0.0/24]}\n", "migrate", "-");

        Assert.Equal(0, status);
        Assert.Contains("kind: ConfigMap", text, StringComparison.Ordinal);
        Assert.Contains("1. put the images onto every node", error, StringComparison.Ordinal);
        Assert.DoesNotContain("1. put", text, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync(text, "check", "-")).Status);
    }

    [Theory]
    [InlineData("st", "status\n:4\n", "__complete", "st")]
    [InlineData("output", "github\njson\nyaml\n:4\n", "__complete", "check", "-o", "")]
    [InlineData("file", ":0\n", "__complete", "check", "po")]
    [InlineData("flag", "--watch\n:4\n", "__complete", "status", "--wa")]
    public async Task Completion_AnswersInKubectlsWay(string what, string expected, params string[] args)
    {
        var (status, text, _) = await RunAsync("", args);

        Assert.True(status == 0, what);
        Assert.Equal(expected, text);
    }

    private static async Task<(int Status, string Out, string Error)> RunAsync(string input, params string[] args)
    {
        using var text = new StringWriter();
        using var error = new StringWriter();
        using var reader = new StringReader(input);
        var status = await KubectlCommand.RunAsync(args, new Terminal(text, error, reader, false, TimeProvider.System));
        return (status, text.ToString(), error.ToString());
    }
}
