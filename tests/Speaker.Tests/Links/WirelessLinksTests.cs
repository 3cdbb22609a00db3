using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Tests.Links;

public sealed class WirelessLinksTests : IDisposable
{
    private readonly string interfaces = Directory.CreateTempSubdirectory("net").FullName;

    public void Dispose() => Directory.Delete(interfaces, recursive: true);

    [Theory]
    [InlineData("phy80211")]
    [InlineData("wireless")]
    public void WirelessLink_NotPromiscuous_IsNamedWithTheRemedy(string mark)
    {
        Directory.CreateDirectory(Path.Combine(interfaces, "eth0"));
        Directory.CreateDirectory(Path.Combine(interfaces, "wlan0", mark));

        var warning = Check();

        Assert.StartsWith("wlan0: a wireless interface", warning, StringComparison.Ordinal);
        Assert.Contains("--promiscuous ^wlan0$", warning, StringComparison.Ordinal);
        Assert.Null(Check("^wlan.*"));
        Assert.NotNull(Check("^eth.*"));
    }

    [Fact]
    public void WiredLinks_AndNoLinks_NothingToSay()
    {
        Directory.CreateDirectory(Path.Combine(interfaces, "eth0"));

        Assert.Null(Check());
    }

    private string? Check(params string[] promiscuous) => WirelessLinks.Check(
        [new LinkFacts("eth0", 2, new(1), [], true), new LinkFacts("wlan0", 3, new(2), [], true)], new NamePatterns(promiscuous).Match, interfaces);
}
