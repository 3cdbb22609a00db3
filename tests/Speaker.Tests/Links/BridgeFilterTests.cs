using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Tests.Links;

public sealed class BridgeFilterTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("bridge-filter-").FullName;

    [Fact]
    public void BridgeWithGuests_AndTheFilterOn_IsNamedWithTheRemedy()
    {
        Bridge("br0", "eth0", "vnet3");
        Everywhere("1\n");
        var said = Check("br0");
        Assert.StartsWith("br0: frames that merely pass this bridge", said, StringComparison.Ordinal);
        Assert.Contains("Set net.bridge.bridge-nf-call-iptables", said, StringComparison.Ordinal);
    }

    [Fact]
    public void BridgeWithGuests_OfItsOwnSettingAlone_IsNamed()
    {
        Bridge("br0", "eth0", "vnet3");
        Everywhere("0\n");
        File.WriteAllText(Path.Combine(root, "br0", "bridge", "nf_call_iptables"), "1\n");
        Assert.NotNull(Check("br0"));
    }

    [Theory]
    [InlineData("0\n")]
    [InlineData(null)]
    public void BridgeWithGuests_AndTheFilterOffOrNotLoaded_IsWell(string? setting)
    {
        Bridge("br0", "eth0", "vnet3");
        Everywhere(setting);
        Assert.Null(Check("br0"));
    }

    [Fact]
    public void BridgeThatNothingPasses_IsWell()
    {
        Bridge("br0", "eth0");
        Everywhere("1\n");
        Assert.Null(Check("br0"));
    }

    [Fact]
    public void PlainLink_IsWell()
    {
        Directory.CreateDirectory(Path.Combine(root, "eth0"));
        Everywhere("1\n");
        Assert.Null(Check("eth0"));
    }

    [Theory]
    [InlineData("1\n", "0\n", true)]
    [InlineData("0\n", "1\n", true)]
    [InlineData("0\n", "0\n", false)]
    [InlineData(null, "0\n", false)]
    public void BridgeOfThePods_NeedsTheFilter(string? everywhere, string own, bool well)
    {
        Bridge("cni0", "veth1", "veth2");
        File.WriteAllText(Path.Combine(root, "cni0", "bridge", "nf_call_iptables"), own);
        Everywhere(everywhere);
        Assert.Equal(well, Check("eth0") is null);
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    private string? Check(params string[] links) => BridgeFilter.Check(links, root, Path.Combine(root, "settings"));

    private void Everywhere(string? setting)
    {
        if (setting is not null)
        {
            Directory.CreateDirectory(Path.Combine(root, "settings"));
            File.WriteAllText(Path.Combine(root, "settings", "bridge-nf-call-iptables"), setting);
        }
    }

    private void Bridge(string name, params string[] ports)
    {
        Directory.CreateDirectory(Path.Combine(root, name, "bridge"));
        foreach (var port in ports)
        {
            Directory.CreateDirectory(Path.Combine(root, name, "brif", port));
        }
    }
}
