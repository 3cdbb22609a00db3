using System.Text.Json.Nodes;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Status;
using LoadBalancer.Kubernetes.Tests.Support;

namespace LoadBalancer.Kubernetes.Tests.Status;

/// <summary>What is asked of the API server about a lost node's pods, and what is written.</summary>
public sealed class PodStatusWriterTests
{
    private const string Discovery = """{"versions":[{"version":"v1beta1"},{"version":"v1"}]}""";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Endpoints_OfSeveralNamespaces_TheVersionIsAskedOnce_AndNoOtherNamespaceIsRead()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(Discovery).Then(Json.List(1, Slice("a"))).Then(Json.List(1, Slice("b")));
        var slices = await Writer(server).ListEndpointsAsync(["a", "b"], Cancelled);
        Assert.Equal(["a", "b"], slices.Select(slice => slice.Key.Namespace).Order());
        Assert.Equal(
            ["/apis/discovery.k8s.io", "/apis/discovery.k8s.io/v1/namespaces/a/endpointslices", "/apis/discovery.k8s.io/v1/namespaces/b/endpointslices"],
            server.Requests.Select(request => request.Path).Order());
    }

    [Fact]
    public async Task Endpoints_OfNoNamespace_NothingIsAsked()
    {
        await using var server = await ScriptedServer.StartAsync();
        Assert.Empty(await Writer(server).ListEndpointsAsync([], Cancelled));
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Endpoint_KeepsNodePodAndReadiness_OfBothVersions()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(Discovery).Then(Json.List(1, Slice("a")));
        var slice = Assert.Single(await Writer(server).ListEndpointsAsync(["a"], Cancelled));
        Assert.Equal("web", slice.ServiceName);
        Assert.Equal(
            [new("n1", "u1", true), new("n2", "u2", false), new("n3", "", true)],
            slice.Endpoints);
    }

    [Fact]
    public async Task Pods_AreAskedForByNode_AndReadOnlyForWhatDecides()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(Json.List(1,
            """{"metadata":{"name":"p","namespace":"a","uid":"u1","resourceVersion":"1","annotations":{"loadbalancer/keep-ready":"true"}},"spec":{"nodeName":"n1"},"status":{"conditions":[{"type":"ContainersReady","status":"True"},{"type":"Ready","status":"True"}]}}""",
            """{"metadata":{"name":"q","namespace":"a","uid":"u2","resourceVersion":"1"},"status":{"conditions":[{"type":"ContainersReady","status":"True"},{"type":"Ready","status":"False"}]}}"""));
        var pods = await Writer(server).ListPodsAsync("n1", Cancelled);
        Assert.Equal("spec.nodeName=n1", Assert.Single(server.Requests).Parameter("fieldSelector"));
        Assert.Equal([("p", "u1", true, true), ("q", "u2", false, false)], pods.Select(pod => (pod.Key.Name, pod.Uid, pod.Ready, pod.KeepReady)));
    }

    [Fact]
    public async Task Mark_PatchesTheConditionReadyOfThatPodAlone()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then("{}");
        Assert.Equal(StatusWriteResult.Written, await Writer(server).MarkNotReadyAsync(new ObjectKey("a", "p"), "u1", "who saw what", Cancelled));
        var request = Assert.Single(server.Requests);
        Assert.Equal(("PATCH", "/api/v1/namespaces/a/pods/p/status"), (request.Method, request.Path));
        var body = JsonNode.Parse(request.Body)!;
        Assert.Equal("u1", (string?)body["metadata"]!["uid"]);
        var condition = Assert.Single(body["status"]!["conditions"]!.AsArray())!;
        Assert.Equal(("Ready", "False", "NodeLost", "who saw what"),
            ((string?)condition["type"], (string?)condition["status"], (string?)condition["reason"], (string?)condition["message"]));
    }

    [Fact]
    public async Task MarkOfEndpoints_IsOnePatch_WhichTestsThePodAtEachPlace()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(Discovery).Then(Json.List(1, Slice("a"))).Then("{}");
        var writer = Writer(server);
        var slice = Assert.Single(await writer.ListEndpointsAsync(["a"], Cancelled));
        Assert.True(slice.FollowsPods);
        Assert.Equal(StatusWriteResult.Written, await writer.MarkNotReadyAsync(slice, [0, 1], Cancelled));
        var request = server.Requests[^1];
        Assert.Equal(("PATCH", "/apis/discovery.k8s.io/v1/namespaces/a/endpointslices/web-x"), (request.Method, request.Path));
        const string no = """{"ready":false,"serving":false,"terminating":false}""";
        Assert.Equal(
            """[{"op":"test","path":"/endpoints/0/targetRef/uid","value":"u1"},{"op":"add","path":"/endpoints/0/conditions","value":NO},""".Replace("NO", no, StringComparison.Ordinal)
            + """{"op":"test","path":"/endpoints/1/targetRef/uid","value":"u2"},{"op":"add","path":"/endpoints/1/conditions","value":NO}]""".Replace("NO", no, StringComparison.Ordinal),
            request.Body);
    }

    [Theory]
    [InlineData(422, StatusWriteResult.Conflict)]
    [InlineData(409, StatusWriteResult.Conflict)]
    [InlineData(404, StatusWriteResult.Gone)]
    public async Task Mark_AnotherPodOrNone_IsNoFault(int status, StatusWriteResult result)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(status, $$"""{"kind":"Status","status":"Failure","message":"no","code":{{status}}}""");
        Assert.Equal(result, await Writer(server).MarkNotReadyAsync(new ObjectKey("a", "p"), "u1", "", Cancelled));
    }

    private static PodStatusWriter Writer(ScriptedServer server) => new(server.Client(TimeProvider.System, ApiUse.ControllerWith(markLostNodes: true)), TimeProvider.System);

    private static string Slice(string @namespace) =>
        """
        {"metadata":{"name":"web-x","namespace":"NAMESPACE","resourceVersion":"1","labels":{"kubernetes.io/service-name":"web","endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io"}},
         "endpoints":[
           {"addresses":["10.0.0.1"],"nodeName":"n1","targetRef":{"kind":"Pod","name":"p","uid":"u1"},"conditions":{"ready":true}},
           {"addresses":["10.0.0.2"],"topology":{"kubernetes.io/hostname":"n2"},"targetRef":{"kind":"Pod","uid":"u2"},"conditions":{"ready":false,"serving":true}},
           {"addresses":["10.0.0.3"],"nodeName":"n3","targetRef":{"kind":"Node","uid":"u3"}}]}
        """.Replace("NAMESPACE", @namespace, StringComparison.Ordinal);
}
