using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Facts;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Tests.Facts;

public sealed class ServiceFactsReaderTests
{
    private static readonly ServiceResource Plain = new()
    {
        Key = new ObjectKey("prod", "web"),
        Type = "LoadBalancer",
        ClusterIPs = ["10.96.0.1"],
        IpFamilies = [IpFamily.IPv4],
    };

    public static TheoryData<string, Dictionary<string, string>, string, string> Annotations => new()
    {
        { "none", [], "", "metallb.io/loadBalancerIPs" },
        { "new", new() { ["metallb.io/loadBalancerIPs"] = " 10.0.0.1 " }, "10.0.0.1", "metallb.io/loadBalancerIPs" },
        { "old", new() { ["metallb.universe.tf/loadBalancerIPs"] = "10.0.0.2" }, "10.0.0.2", "metallb.universe.tf/loadBalancerIPs" },
        {
            "both", new() { ["metallb.io/loadBalancerIPs"] = "10.0.0.1", ["metallb.universe.tf/loadBalancerIPs"] = "10.0.0.2" },
            "10.0.0.1", "metallb.io/loadBalancerIPs"
        },
        {
            "new one empty", new() { ["metallb.io/loadBalancerIPs"] = "", ["metallb.universe.tf/loadBalancerIPs"] = "10.0.0.2" },
            "", "metallb.io/loadBalancerIPs"
        },
    };

    [Theory]
    [MemberData(nameof(Annotations))]
    public void Annotation_OfTheNewerPrefixWins(string name, Dictionary<string, string> annotations, string value, string key)
    {
        var request = Read(Plain with { Annotations = annotations }).Request;
        Assert.True(request.AnnotationAddresses == value, name);
        Assert.Equal(key, request.AnnotationKey);
    }

    [Fact]
    public void Request_HasEveryInput()
    {
        var request = Read(Plain with
        {
            LoadBalancerIP = "10.0.0.9",
            Annotations = new Dictionary<string, string> { ["metallb.universe.tf/address-pool"] = "edge" },
        }).Request;
        Assert.Equal(("10.0.0.9", "edge", "metallb.universe.tf/address-pool"), (request.SpecAddress, request.Pool, request.PoolKey));
    }

    [Theory]
    [InlineData("LoadBalancer", "10.96.0.1", null, null, false, Eligibility.Eligible)]
    [InlineData("LoadBalancer", "10.96.0.1", "", null, false, Eligibility.Eligible)]
    [InlineData("LoadBalancer", "10.96.0.1", "x", null, false, Eligibility.ForeignClass)]
    [InlineData("LoadBalancer", "10.96.0.1", null, "x", false, Eligibility.ForeignClass)]
    [InlineData("LoadBalancer", "10.96.0.1", "x", "x", false, Eligibility.Eligible)]
    [InlineData("LoadBalancer", "None", null, null, false, Eligibility.NoClusterIP)]
    [InlineData("LoadBalancer", "", null, null, false, Eligibility.NoClusterIP)]
    [InlineData("LoadBalancer", "10.96.0.1", null, null, true, Eligibility.BeingDeleted)]
    [InlineData("ClusterIP", "10.96.0.1", null, null, false, Eligibility.NotLoadBalancer)]
    [InlineData("NodePort", "10.96.0.1", null, "x", false, Eligibility.NotLoadBalancer)]
    public void Eligibility_FollowsTypeClassAndClusterIP(
        string type, string clusterIP, string? lbClass, string? served, bool deleting, Eligibility expected)
    {
        var service = Plain with { Type = type, ClusterIPs = [clusterIP], LoadBalancerClass = lbClass, Deleting = deleting };
        Assert.Equal(expected, ServiceFactsReader.Read(service, Plain.Labels, served).Eligibility);
    }

    [Theory]
    [InlineData("", "10.96.0.1", "", "IPv4", FamilyPolicy.SingleStack)]
    [InlineData("", "fd00::1", "", "IPv6", FamilyPolicy.SingleStack)]
    [InlineData("", "fd00::1,10.96.0.1", "", "IPv6,IPv4", FamilyPolicy.RequireDualStack)]
    [InlineData("IPv6,IPv4", "fd00::1,10.96.0.1", "PreferDualStack", "IPv6,IPv4", FamilyPolicy.PreferDualStack)]
    [InlineData("IPv4", "10.96.0.1", "RequireDualStack", "IPv4", FamilyPolicy.RequireDualStack)]
    [InlineData("IPv4", "10.96.0.1", "SingleStack", "IPv4", FamilyPolicy.SingleStack)]
    public void Families_ComeFromTheSpecOrFromTheClusterIPs(
        string spec, string clusterIPs, string policy, string families, FamilyPolicy expected)
    {
        var facts = Read(Plain with
        {
            IpFamilies = [.. spec.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(Enum.Parse<IpFamily>)],
            ClusterIPs = clusterIPs.Split(','),
            IpFamilyPolicy = policy,
        });
        Assert.Equal(families, string.Join(',', facts.Families));
        Assert.Equal(expected, facts.FamilyPolicy);
    }

    [Theory]
    [InlineData("Cluster", "externalTrafficPolicy: Cluster")]
    [InlineData("", "externalTrafficPolicy: Cluster")]
    [InlineData("Local", "externalTrafficPolicy: Local, namespace prod, selector app=web,tier=front")]
    public void Backend_IsNamespaceAndSelectorUnderLocalOnly(string policy, string expected)
    {
        var sharing = Read(Plain with
        {
            ExternalTrafficPolicy = policy,
            Selector = new Dictionary<string, string> { ["tier"] = "front", ["app"] = "web" },
            Annotations = new Dictionary<string, string> { ["metallb.io/allow-shared-ip"] = "k" },
            Ports = [new ServicePort("UDP", 53)],
        }).Sharing;
        Assert.Equal(expected, sharing.Backend.ToString());
        Assert.Equal(new SharingTerms("k", sharing.Backend, [new PortUse("UDP", 53)]), sharing);
    }

    [Theory]
    [InlineData("Local", false)]
    [InlineData("Cluster", true)]
    public void Backend_WithoutASelector_IsNobodyElsesUnderLocal(string policy, bool equal)
    {
        var one = Read(Plain with { ExternalTrafficPolicy = policy }).Sharing.Backend;
        var two = Read(Plain with { ExternalTrafficPolicy = policy, Key = new ObjectKey("prod", "other") }).Sharing.Backend;
        Assert.Equal(equal, one == two);
    }

    private static ServiceFacts Read(ServiceResource service) => ServiceFactsReader.Read(service, service.Labels, null);
}
