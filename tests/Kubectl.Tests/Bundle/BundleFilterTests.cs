using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubectl.Bundle;

namespace LoadBalancer.Kubectl.Tests.Bundle;

public sealed class BundleFilterTests
{
    private readonly BundleFilter filter = new([IpPrefix.Parse("192.168.96.0/20").Range, IpPrefix.Parse("fd00:96::/64").Range]);

    [Theory]
    [InlineData("GET http://10.244.1.7:8080/", "GET http://[address 1]:8080/")]
    [InlineData("from 10.1.1.1 to 10.1.1.2, 10.1.1.1 again", "from [address 1] to [address 2], [address 1] again")]
    [InlineData("\"address\":\"10.1.1.1\"", "\"address\":\"[address 1]\"")]
    [InlineData("at [2001:db8::5]:443", "at [[address 1]]:443")]
    [InlineData("2001:DB8:0:0::5 and 2001:db8::5", "[address 1] and [address 1]")]
    public void AddressOfNoConcern_IsTakenOut_TheSameByTheSameNumber(string text, string expected) => Assert.Equal(expected, filter.Apply(text));

    [Theory]
    [InlineData("announces 192.168.96.100 of 192.168.96.100-192.168.96.150 in 192.168.96.11/20")]
    [InlineData("announces fd00:96::1:77 in fd00:96::/64")]
    [InlineData("listens on [::]:7473, 0.0.0.0:7472, 127.0.0.1:7473, [::1]:7473 and fe80::1")]
    [InlineData("52:54:00:00:00:02 at 2026-01-02T03:04:05.678Z and 03:04:05")]
    [InlineData("version 1.2.3, 1.2.3.4.5, 10.0.401 and 999.1.1.1")]
    [InlineData("namespace::method, loadbalancer_speaker_seconds{le=\"0.005\"} 10")]
    public void WhatIsOfConcern_OrNoAddress_Stays(string text)
    {
        Assert.Equal(text, filter.Apply(text));
        Assert.Equal(0, filter.Addresses);
    }

    [Theory]
    [InlineData("Authorization: Bearer abc.def-ghi_jkl", "Authorization: Bearer [left out: looks like a secret]")]
    [InlineData("got eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlIn0.c2lnbmF0dXJl here", "got [left out: looks like a secret] here")]
    [InlineData("a -----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY----- b", "a [left out: looks like a secret] b")]
    [InlineData("token: dGhpcyBpcyBhIHNlY3JldA==", "token: [left out: looks like a secret]")]
    [InlineData("{\"password\":\"hunter2hunter2\"}", "{\"password\":\"[left out: looks like a secret]\"}")]
    public void Secret_IsTakenOut(string text, string expected)
    {
        Assert.Equal(expected, filter.Apply(text));
        Assert.Equal(1, filter.Secrets);
    }

    [Theory]
    [InlineData("Created the Secret with the speakers' heartbeat key.")]
    [InlineData("Secret loadbalancer-system/heartbeat-key: no entry 'key'")]
    public void SentenceAboutASecret_Stays(string text) => Assert.Equal(text, filter.Apply(text));

    [Fact]
    public void WhatWasTakenOut_IsSaidInNumbers()
    {
        filter.Apply("10.0.0.1 10.0.0.2 10.0.0.1 Bearer abcdefghijk");
        Assert.StartsWith("Taken out of all files but the ConfigMap: 2 addresses", filter.Describe(), StringComparison.Ordinal);
        Assert.EndsWith("1 texts that look like a secret.\n", filter.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public void ConcernOfACluster_ArePoolsNodesAndTheirSubnets()
    {
        var of = BundleFilter.Of(Views.Well);
        Assert.Equal("192.168.96.120 192.168.96.250 192.168.111.255 [address 1]", of.Apply("192.168.96.120 192.168.96.250 192.168.111.255 192.168.112.1"));
    }
}
