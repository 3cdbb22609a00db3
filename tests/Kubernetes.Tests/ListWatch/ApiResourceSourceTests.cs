using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Tests.Support;

namespace LoadBalancer.Kubernetes.Tests.ListWatch;

/// <summary>What is kept of each kind, and where it is asked for.</summary>
public sealed class ApiResourceSourceTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Service_Complete_KeepsWhatIsUsedAndNoForeignAnnotation()
    {
        const string service = """
            {"metadata":{"name":"web","namespace":"shop","uid":"u1","resourceVersion":"42","creationTimestamp":"2026-01-02T03:04:05Z",
              "deletionTimestamp":"2026-01-02T03:05:00Z","labels":{"tier":"front"},
              "annotations":{"metallb.io/address-pool":"gold","metallb.universe.tf/allow-shared-ip":"k","kubectl.kubernetes.io/last-applied-configuration":"{}"},
              "managedFields":[{"manager":"kubectl","fieldsV1":{"f:spec":{}}}],"finalizers":["x"]},
             "spec":{"type":"LoadBalancer","clusterIP":"10.96.0.9","clusterIPs":["10.96.0.9","fd00::9"],"ipFamilies":["IPv4","IPv6"],
              "ipFamilyPolicy":"PreferDualStack","loadBalancerIP":"192.168.96.7","loadBalancerClass":"ours","externalTrafficPolicy":"Local",
              "selector":{"app":"web"},"ports":[{"name":"a","protocol":"UDP","port":53,"targetPort":"dns"},{"port":80}],"sessionAffinity":"None",
              "healthCheckNodePort":31000},
             "status":{"conditions":[],"loadBalancer":{"ingress":[{"ip":"192.168.96.7","ipMode":"VIP","ports":[{"port":80}]},{"hostname":"h"}]}}}
            """;
        var read = await ReadAsync(ResourceKinds.Services, service);
        Assert.Equal(new ObjectKey("shop", "web"), read.Key);
        Assert.Equal(("u1", "42"), (read.Uid, read.ResourceVersion));
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), read.Created);
        Assert.True(read.Deleting);
        Assert.Equal([new("tier", "front")], read.Labels);
        Assert.Equal([new("metallb.io/address-pool", "gold"), new("metallb.universe.tf/allow-shared-ip", "k")], read.Annotations);
        Assert.Equal("LoadBalancer", read.Type);
        Assert.Equal(["10.96.0.9", "fd00::9"], read.ClusterIPs);
        Assert.Equal([IpFamily.IPv4, IpFamily.IPv6], read.IpFamilies);
        Assert.Equal("PreferDualStack", read.IpFamilyPolicy);
        Assert.Equal(("192.168.96.7", "ours", "Local"), (read.LoadBalancerIP, read.LoadBalancerClass, read.ExternalTrafficPolicy));
        Assert.Equal([new("app", "web")], read.Selector);
        Assert.Equal([new("UDP", 53), new ServicePort("TCP", 80)], read.Ports);
        Assert.Equal([new("192.168.96.7", "", "VIP"), new IngressPoint("", "h")], read.Ingress);
    }

    // As an API server writes it: kubectl's entry without a status, one with conditions alone, two writers of the address.
    [Theory]
    [InlineData("[]", "")]
    [InlineData("null", "")]
    [InlineData("""[{"manager":"kubectl","operation":"Update","time":"2026-01-02T03:04:05Z","fieldsV1":{"f:metadata":{"f:labels":{}},"f:spec":{"f:status":{"f:loadBalancer":{}}}}}]""", "")]
    [InlineData("""[{"manager":"k3s","operation":"Update","apiVersion":"v1","time":"2026-01-02T03:04:05Z","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:loadBalancer":{"f:ingress":{}}}},"subresource":"status"}]""", "k3s")]
    [InlineData("""[{"manager":"gate","fieldsV1":{"f:status":{"f:conditions":{}}},"subresource":"status"},{"manager":"controller","fieldsV1":{"f:status":{"f:conditions":{},"f:loadBalancer":{"f:ingress":{}}}},"subresource":"status"},{"manager":"x","fieldsV1":null}]""", "controller")]
    [InlineData("""[{"manager":"late","time":"2026-01-02T03:04:06Z","fieldsV1":{"f:status":{"f:loadBalancer":{}}}},{"manager":"early","time":"2026-01-02T03:04:05Z","fieldsV1":{"f:status":{"f:loadBalancer":{}}}}]""", "late")]
    public async Task Service_ManagedFields_TellWhoWroteTheAddressLast(string managedFields, string manager)
    {
        var read = await ReadAsync(ResourceKinds.Services, $$$$"""{"metadata":{"name":"a","namespace":"n","resourceVersion":"1","managedFields":{{{{managedFields}}}}},"spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[{"ip":"10.0.0.1"}]}}}""");
        Assert.Equal(manager, read.StatusManager);
        Assert.Equal([new IngressPoint("10.0.0.1")], read.Ingress);
    }

    [Fact]
    public async Task Service_OfAServerWithoutDualStack_HasTheOneClusterIP()
    {
        var read = await ReadAsync(ResourceKinds.Services, """{"metadata":{"name":"a","namespace":"n","resourceVersion":"1"},"spec":{"clusterIP":"None","selector":null,"ports":null},"status":{"loadBalancer":null}}""");
        Assert.Equal(["None"], read.ClusterIPs);
        Assert.Null(read.LoadBalancerClass);
        Assert.Empty(read.Ports);
        Assert.Empty(read.Selector);
        Assert.Empty(read.Ingress);
    }

    [Theory]
    [InlineData("""{}""", "", true)]
    [InlineData("""{"conditions":{}}""", "", true)]
    [InlineData("""{"conditions":{"ready":null}}""", "", true)]
    [InlineData("""{"conditions":{"ready":true,"serving":false}}""", "", true)]
    [InlineData("""{"conditions":{"ready":false}}""", "", false)]
    [InlineData("""{"conditions":{"ready":false,"serving":true,"terminating":true}}""", "", true)]
    [InlineData("""{"conditions":{"ready":false,"serving":false}}""", "", false)]
    [InlineData("""{"nodeName":"n1"}""", "n1", true)]
    [InlineData("""{"topology":{"kubernetes.io/hostname":"n2"}}""", "n2", true)]
    [InlineData("""{"nodeName":"n1","deprecatedTopology":{"kubernetes.io/hostname":"n2"}}""", "n1", true)]
    public async Task EndpointSlice_Endpoint_TellsNodeAndServing(string endpoint, string node, bool serving)
    {
        var slice = $$$"""{"metadata":{"name":"s","namespace":"n","resourceVersion":"1","labels":{"kubernetes.io/service-name":"web"}},"addressType":"IPv4","endpoints":[{{{endpoint}}}],"ports":[]}""";
        var read = await ReadAsync(ResourceKinds.EndpointSlices, slice, """{"versions":[{"groupVersion":"discovery.k8s.io/v1","version":"v1"}]}""");
        Assert.Equal("web", read.ServiceName);
        Assert.Equal(serving, read.Serves);
        Assert.Equal(serving && node.Length > 0 ? [node] : [], read.ServingNodes);
    }

    [Theory]
    [InlineData("True", true)]
    [InlineData("False", false)]
    [InlineData("Unknown", true)]
    public async Task Node_ReadyCondition_OnlyFalseIsNotReady(string status, bool ready)
    {
        var read = await ReadAsync(ResourceKinds.Nodes,
            $$$"""{"metadata":{"name":"n1","resourceVersion":"1"},"status":{"conditions":[{"type":"Ready","status":"{{{status}}}"}]}}""");
        Assert.Equal(ready, read.Ready);
    }

    [Theory]
    [InlineData("""{"podCIDR":"10.244.1.0/24","podCIDRs":["10.244.1.0/24","fd00:244::/64"]}""", "10.244.1.0/24 fd00:244::/64")]
    [InlineData("""{"podCIDR":"10.244.1.0/24"}""", "10.244.1.0/24")]
    [InlineData("""{"providerID":"x"}""", "")]
    public async Task Node_PodRanges_AreThoseOfEitherField(string spec, string ranges)
    {
        var read = await ReadAsync(ResourceKinds.Nodes, $$$"""{"metadata":{"name":"n1","resourceVersion":"1"},"spec":{{{spec}}}}""");
        Assert.Equal(ranges, string.Join(' ', read.PodRanges));
    }

    [Fact]
    public async Task Node_Conditions_AreReadyAndNetwork()
    {
        var read = await ReadAsync(ResourceKinds.Nodes, """
            {"metadata":{"name":"n1","resourceVersion":"1","labels":{"node.kubernetes.io/exclude-from-external-load-balancers":""}},
             "status":{"conditions":[{"type":"Ready","status":"False"},{"type":"NetworkUnavailable","status":"True"},{"type":"MemoryPressure","status":"False"}],
              "addresses":[{"type":"Hostname","address":"n1"},{"type":"InternalIP","address":"192.168.96.11"},{"type":"ExternalIP","address":"203.0.113.1"}]}}
            """);
        Assert.Equal(new ObjectKey("", "n1"), read.Key);
        Assert.False(read.Ready);
        Assert.True(read.NetworkUnavailable);
        Assert.Equal(["192.168.96.11", "203.0.113.1"], read.Addresses);
        Assert.True(read.Labels.ContainsKey("node.kubernetes.io/exclude-from-external-load-balancers"));
    }

    [Fact]
    public async Task ConfigMapAndSecret_Data_IsKept()
    {
        var map = await ReadAsync(ResourceKinds.ConfigMaps, """{"metadata":{"name":"config","namespace":"n","resourceVersion":"1"},"data":{"config":"address-pools: []\n"}}""");
        Assert.Equal("address-pools: []\n", map.Data["config"]);
        var secret = await ReadAsync(ResourceKinds.Secrets, """{"metadata":{"name":"k","namespace":"n","resourceVersion":"1"},"data":{"key":"c2VjcmV0"},"type":"Opaque"}""");
        Assert.Equal("secret"u8.ToArray(), secret.Data["key"]);
        Assert.DoesNotContain("secret", secret.ToString().Replace("Secret", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lease_Times_AreRead()
    {
        var lease = await ReadAsync(ResourceKinds.Leases, """
            {"metadata":{"name":"n1","namespace":"s","resourceVersion":"1","annotations":{"a":"b"},"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n1","uid":"u"}]},
             "spec":{"holderIdentity":"n1","leaseDurationSeconds":40,"acquireTime":"2026-01-02T03:04:05.000000Z","renewTime":"2026-01-02T03:04:05.123456Z","leaseTransitions":3}}
            """);
        Assert.Equal(("n1", 40, 3), (lease.HolderIdentity, lease.LeaseDurationSeconds, lease.LeaseTransitions));
        Assert.Equal(123456, lease.RenewTime!.Value.Ticks % TimeSpan.TicksPerSecond / 10);
        Assert.Equal(new ObjectOwner("v1", "Node", "n1", "u"), lease.Owner);
        Assert.Equal("b", lease.Annotations["a"]);
    }

    [Fact]
    public async Task Selection_One_IsAskedForByFieldSelectorInItsNamespace()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(Json.List(1));
        var source = new ApiResourceSource<ConfigMapResource>(
            server.Client(TimeProvider.System), ResourceKinds.ConfigMaps, ResourceSelection.One(new("system", "config")), TimeProvider.System);
        await source.ListAsync(Cancelled);
        Assert.Equal("/api/v1/namespaces/system/configmaps", server.Requests[0].Path);
        Assert.Equal("metadata.name=config", server.Requests[0].Parameter("fieldSelector"));
    }

    [Fact]
    public async Task Selection_ByLabel_IsAskedForInListAndWatch()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(Json.List(1)).ThenWatchAndClose();
        var source = new ApiResourceSource<LeaseResource>(
            server.Client(TimeProvider.System), ResourceKinds.Leases, new() { Namespace = "system", LabelSelector = "a=b,c=d" }, TimeProvider.System);
        await source.ListAsync(Cancelled);
        await foreach (var _ in source.WatchAsync("1", TimeSpan.FromSeconds(300), Cancelled))
        {
        }

        Assert.All(server.Requests, request => Assert.Equal("/apis/coordination.k8s.io/v1/namespaces/system/leases", request.Path));
        Assert.All(server.Requests, request => Assert.Equal("a=b,c=d", request.Parameter("labelSelector")));
    }

    [Fact]
    public async Task EndpointSlices_OldThenUpgradedServer_FollowsDiscovery()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then("""{"kind":"APIGroup","name":"discovery.k8s.io","versions":[{"groupVersion":"discovery.k8s.io/v1beta1","version":"v1beta1"}]}""")
            .Then(Json.List(1))
            .Then("""{"kind":"APIGroup","name":"discovery.k8s.io","versions":[{"groupVersion":"discovery.k8s.io/v1","version":"v1"},{"groupVersion":"discovery.k8s.io/v1beta1","version":"v1beta1"}]}""")
            .Then(Json.List(2));
        var source = new ApiResourceSource<EndpointSliceResource>(
            server.Client(TimeProvider.System), ResourceKinds.EndpointSlices, ResourceSelection.All, TimeProvider.System);
        await source.ListAsync(Cancelled);
        await source.ListAsync(Cancelled);
        Assert.Equal(
            ["/apis/discovery.k8s.io", "/apis/discovery.k8s.io/v1beta1/endpointslices", "/apis/discovery.k8s.io", "/apis/discovery.k8s.io/v1/endpointslices"],
            server.Requests.Select(request => request.Path));
    }

    [Fact]
    public async Task EndpointSlices_NoVersionThatIsKnown_SaysWhichThereAre()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then("""{"versions":[{"version":"v1alpha1"}]}""");
        var source = new ApiResourceSource<EndpointSliceResource>(
            server.Client(TimeProvider.System), ResourceKinds.EndpointSlices, ResourceSelection.All, TimeProvider.System);
        var thrown = await Assert.ThrowsAsync<HttpRequestException>(() => source.ListAsync(Cancelled));
        Assert.Equal("the API server has discovery.k8s.io in the versions v1alpha1; v1 or v1beta1 is needed", thrown.Message);
    }

    [Fact]
    public async Task Strings_ThatRepeat_AreSharedAmongObjects()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(Json.List(1, Json.Service("a", 1), Json.Service("b", 2)));
        var source = new ApiResourceSource<ServiceResource>(
            server.Client(TimeProvider.System), ResourceKinds.Services, ResourceSelection.All, TimeProvider.System);
        var items = (await source.ListAsync(Cancelled)).Items;
        Assert.Same(items[0].Key.Namespace, items[1].Key.Namespace);
        Assert.Same(items[0].Type, items[1].Type);
        Assert.Same(items[0].Ports[0].Protocol, items[1].Ports[0].Protocol);
    }

    private static async Task<T> ReadAsync<T>(ResourceKind<T> kind, string item, string? discovery = null)
        where T : class, IResource
    {
        await using var server = await ScriptedServer.StartAsync();
        if (discovery is not null)
        {
            server.Then(discovery);
        }

        server.Then(Json.List(1, item));
        var source = new ApiResourceSource<T>(server.Client(TimeProvider.System), kind, ResourceSelection.All, TimeProvider.System);
        return Assert.Single((await source.ListAsync(Cancelled)).Items);
    }
}
