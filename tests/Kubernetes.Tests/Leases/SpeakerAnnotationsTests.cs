using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Tests.Leases;

public sealed class SpeakerAnnotationsTests
{
    [Fact]
    public void Hears_OfSeveralLinks_AreReadBackByLink()
    {
        var text = Text(("eth1", ["n4"]), ("eth0", ["n3", "n2", "n2"]), ("eth2", []));
        Assert.Equal("eth0=n2,n3;eth1=n4", text);
        Assert.Equal(["n2", "n3"], SpeakerAnnotations.HeardOn(Lease(text), "eth0"));
        Assert.Equal(["n4"], SpeakerAnnotations.HeardOn(Lease(text), "eth1"));
        Assert.Empty(SpeakerAnnotations.HeardOn(Lease(text), "eth2"));
    }

    [Fact]
    public void Hears_OfAThousandNodes_IsBounded()
    {
        var text = Text(("eth0", [.. Enumerable.Range(0, 1000).Select(i => $"node-{i:d6}")]));
        Assert.InRange(text.Length, 3900, 4000);
        Assert.All(SpeakerAnnotations.HeardOn(Lease(text), "eth0"), node => Assert.Equal(11, node.Length));
    }

    [Theory]
    [InlineData("")]
    [InlineData("eth0")]
    [InlineData("eth0=;=n2;eth1=n3=n4")]
    public void Hears_ByAnotherVersionOrNobody_IsNobody(string text) => Assert.Empty(SpeakerAnnotations.HeardOn(Lease(text), "eth0"));

    private static string Text(params (string Link, string[] Nodes)[] heard) =>
        SpeakerAnnotations.Of(heard.Select(entry => KeyValuePair.Create(entry.Link, entry.Nodes.AsEnumerable())));

    private static LeaseResource Lease(string hears) => new()
    {
        Key = new ObjectKey("loadbalancer-system", "n1"),
        Annotations = new Dictionary<string, string> { [SpeakerAnnotations.Hears] = hears },
    };
}
