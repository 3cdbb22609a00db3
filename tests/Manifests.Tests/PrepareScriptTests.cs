namespace LoadBalancer.Manifests.Tests;

/// <summary><c>build/prepare.sh</c> on machines that lack something: it names it, and what to type.</summary>
public sealed class PrepareScriptTests : IDisposable
{
    private readonly FakeTools _machine = new("sh", "sed", "tr", "dirname", "grep", "cat");

    public PrepareScriptTests()
    {
        foreach (var name in new[] { "ip", "unshare", "nft", "nginx", "curl", "make", "apt-get", "sudo" })
        {
            _machine.Add(name);
        }

        _machine.Add("dotnet", output: "10.0.401");
        _machine.Add("id", output: "1000");
        _machine.Add("ldconfig", output: "libpcap.so.0.8");
    }

    [Fact]
    public async Task MachineWithEverything_IsLeftAlone()
    {
        Assert.Equal((0, ""), await RunAsync());
        Assert.DoesNotContain(_machine.Calls, call => call.StartsWith("sudo", StringComparison.Ordinal));
    }

    [Fact]
    public async Task NoSdkForGlobalJson_IsSaidWithTheOneThatIsThere()
    {
        _machine.Add("dotnet", exitStatus: 1, output: "9.0.100 [/usr/share/dotnet/sdk]");
        var (status, errors) = await RunAsync();
        Assert.Equal(1, status);
        Assert.Contains("missing: the .NET SDK 10.0; here is 9.0.100", errors);
        Assert.Contains("type: curl -fsSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0 && export PATH=$HOME/.dotnet:$PATH", errors);
    }

    [Fact]
    public async Task NoSdkAtAll_IsSaid()
    {
        _machine.Remove("dotnet");
        var (status, errors) = await RunAsync();
        Assert.Equal(1, status);
        Assert.Contains("missing: the .NET SDK 10.0; here is none", errors);
    }

    [Fact]
    public async Task NoMakeAndNoSudo_SaysWhatRootTypes()
    {
        _machine.Remove("make");
        _machine.Remove("sudo");
        var (status, errors) = await RunAsync();
        Assert.Equal(1, status);
        Assert.Contains("type: as root: apt-get install make\n", errors);
    }

    [Fact]
    public async Task NoAptGet_NamesWhatToInstall()
    {
        _machine.Remove("curl");
        _machine.Remove("apt-get");
        var (status, errors) = await RunAsync();
        Assert.Equal(1, status);
        Assert.Contains("curl (Debian's names; this system has no apt-get)", errors);
    }

    [Theory]
    [InlineData("kernel/apparmor_restrict_unprivileged_userns", 1, "AppArmor", "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0")]
    [InlineData("kernel/unprivileged_userns_clone", 0, "the kernel forbids them to ordinary users", "sudo sysctl -w kernel.unprivileged_userns_clone=1")]
    [InlineData("user/max_user_namespaces", 0, "the kernel allows none", "sudo sysctl -w user.max_user_namespaces=15000")]
    public async Task UserNamespaceForbidden_NamesTheSettingThatForbidsIt(string setting, int value, string reason, string remedy)
    {
        _machine.Add("unshare", exitStatus: 1, output: "unshare: Operation not permitted");
        var file = Path.Combine(_machine.Folder, "sys", setting);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, $"{value}\n", TestContext.Current.CancellationToken);
        var (status, errors) = await RunAsync();
        Assert.Equal(1, status);
        Assert.Contains(reason, errors);
        Assert.Contains($"type: {remedy}", errors);
        Assert.Contains("or as root: sudo env PATH=\"$PATH\" make demo", errors);
        Assert.Single(errors.Split('\n'), line => line.StartsWith("missing:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task UserNamespaceRefusedForNoKnownReason_ShowsWhatTheKernelSaid()
    {
        _machine.Add("unshare", exitStatus: 1, output: "unshare: No space left on device");
        Assert.Contains("missing: user namespaces: unshare: No space left on device", (await RunAsync()).Errors);
    }

    [Fact]
    public async Task RootOfAContainer_IsToldThatItMayNotMakeNamespaces()
    {
        _machine.Add("id", output: "0");
        _machine.Add("unshare", exitStatus: 1, output: "unshare: Operation not permitted");
        var (status, errors) = await RunAsync();
        Assert.Equal(1, status);
        Assert.Contains("--privileged", errors);
        Assert.DoesNotContain(_machine.Calls, call => call.Contains("--user", StringComparison.Ordinal));
    }

    public void Dispose() => _machine.Dispose();

    private Task<(int Status, string Errors)> RunAsync() => _machine.RunAsync("prepare.sh", ["run"], ("PROC", _machine.Folder));
}
