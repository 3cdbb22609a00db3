using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Tests.Links;

public sealed class StrictArpTests : IDisposable
{
    private readonly string settings = Directory.CreateTempSubdirectory("arp").FullName;

    public void Dispose() => Directory.Delete(settings, recursive: true);

    [Fact]
    public void WithoutIpvs_ThereIsNothingToSay()
    {
        Set("all", 0);
        Set("eth0", 0);

        Assert.Null(Check());
    }

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(3, 0, false)]
    [InlineData(1, 0, true)]
    [InlineData(2, 0, true)]
    [InlineData(8, 0, true)]
    [InlineData(0, 1, true)]
    [InlineData(1, 3, false)]
    public void WithIpvs_TheLargerOfTheTwoValuesDecides(int all, int own, bool strict)
    {
        Set("kube-ipvs0", 0);
        Set("all", all);
        Set("eth0", own);

        Assert.Equal(strict, Check() is null);
    }

    [Fact]
    public void Warning_NamesTheLinkAndTheRemedy()
    {
        Set("kube-ipvs0", 0);
        Set("all", 0);
        Set("eth0", 0);

        var warning = Check();

        Assert.Contains("eth0", warning, StringComparison.Ordinal);
        Assert.Contains("strictARP: true", warning, StringComparison.Ordinal);
    }

    private string? Check() => StrictArp.Check([FakeLink.FactsOf("eth0", 2)], settings);

    private void Set(string name, int arpIgnore)
    {
        Directory.CreateDirectory(Path.Combine(settings, name));
        File.WriteAllText(Path.Combine(settings, name, "arp_ignore"), $"{arpIgnore}\n");
    }
}
