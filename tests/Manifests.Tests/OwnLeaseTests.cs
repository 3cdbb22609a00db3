using System.Net;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Client;

namespace LoadBalancer.Manifests.Tests;

/// <summary>
/// The component own-lease, judged by a real kube-apiserver with tokens as a kubelet gets them for a speaker's pod: the policy is in a
/// language that only the API server speaks.
/// </summary>
public sealed class OwnLeaseTests
{
    private const string Leases = $"/apis/coordination.k8s.io/v1/namespaces/{Manifests.Namespace}/leases";

    [Fact]
    public void Component_AddsThePolicyAndItsBinding_AndChangesNothing()
    {
        var rendered = Component.Render("own-lease");
        Assert.Equal(
            ["ValidatingAdmissionPolicy /loadbalancer-system-own-lease", "ValidatingAdmissionPolicyBinding /loadbalancer-system-own-lease"],
            rendered.Select(Manifests.Title).Except(Manifests.Installed.Select(Manifests.Title)));
        Assert.All(Manifests.Installed, o => Assert.Contains(rendered, other => JsonNode.DeepEquals(o, other)));
    }

    [Fact]
    public void Policy_IsForTheAccountTheSpeakersRunAs()
    {
        var policy = Component.Render("own-lease").Single(o => o.Text("kind") == "ValidatingAdmissionPolicy");
        var account = Manifests.PodSpec(Manifests.Workload("speaker")).Text("serviceAccountName");
        Assert.Contains($"'system:serviceaccount:{Manifests.Namespace}:{account}'", Assert.Single(policy.Objects("spec", "matchConditions")).Text("expression"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Speaker_WritesTheLeaseOfItsOwnNode_AndNoOther()
    {
        await using var server = await AskedApiServer.StartAsync(real: true, "the admission policy own-lease was not judged by a kube-apiserver");
        server.Apply(Component.Render("own-lease"));
        using var speaker = Speaker(await TokenOfPodAsync(server, "n1"));
        using var loose = Speaker(await server.TokenAsync(Manifests.Namespace, "speaker"));

        // A policy takes effect a moment after it is written; nothing tells when.
        await Eventually.GetAsync(async () => await RefusalAsync(() => speaker.CreateAsync(Leases, Lease("n2", "n2"))), TimeSpan.FromSeconds(60), "the policy to be in force");
        await server.Admin.DeleteAsync($"{Leases}/n2");
        foreach (var name in (string[])["n2", "loadbalancer-controller"])
        {
            await server.Admin.CreateAsync(Leases, Lease(name, name));
        }

        var own = await speaker.CreateAsync(Leases, Lease("n1", "n1"));
        own["spec"]!["holderIdentity"] = "";
        own = await speaker.ReplaceAsync($"{Leases}/n1", own);
        own["spec"]!["holderIdentity"] = "n2";
        Assert.Contains("may not speak for another", await RefusalAsync(() => speaker.ReplaceAsync($"{Leases}/n1", own)), StringComparison.Ordinal);
        Assert.Contains("of its own node only", await RefusalAsync(() => speaker.CreateAsync(Leases, Lease("n3", "n1"))), StringComparison.Ordinal);
        foreach (var name in (string[])["n2", "loadbalancer-controller"])
        {
            var others = await speaker.GetAsync($"{Leases}/{name}");
            others["spec"]!["holderIdentity"] = "n1";
            Assert.Contains("of its own node only", await RefusalAsync(() => speaker.ReplaceAsync($"{Leases}/{name}", others)), StringComparison.Ordinal);
        }

        Assert.Contains("of its own node only", await RefusalAsync(() => loose.CreateAsync(Leases, Lease("n4", "n4"))), StringComparison.Ordinal);
        await server.Admin.CreateAsync(Leases, Lease("n4", "n4"));

        KubeApi Speaker(string token) => new(new KubeconfigFile(server.KubeconfigOf(Guid.NewGuid().ToString("N"), token)));
    }

    /// <summary>The token the kubelet mounts into a speaker's pod on a node (TokenRequest, bound to the pod).</summary>
    private static async Task<string> TokenOfPodAsync(AskedApiServer server, string node)
    {
        await server.Admin.CreateAsync("/api/v1/nodes", Json($$"""{ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "{{node}}" } }"""));
        var pod = await server.Admin.CreateAsync($"/api/v1/namespaces/{Manifests.Namespace}/pods", Json($$"""
            {
              "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "speaker-{{node}}" },
              "spec": { "nodeName": "{{node}}", "serviceAccountName": "speaker", "containers": [{ "name": "speaker", "image": "none" }] }
            }
            """));
        return await server.TokenAsync(Manifests.Namespace, "speaker", new JsonObject
        {
            ["boundObjectRef"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["name"] = Manifests.Name(pod), ["uid"] = pod.Text("metadata", "uid") },
        });
    }

    /// <summary>Why a request was forbidden, or null if it was not.</summary>
    private static async Task<string?> RefusalAsync(Func<Task> request)
    {
        try
        {
            await request();
            return null;
        }
        catch (KubeApiException refused) when (refused.Status == HttpStatusCode.Forbidden)
        {
            return refused.Message;
        }
        catch (KubeApiException there) when (there.Status == HttpStatusCode.Conflict)
        {
            return null;
        }
    }

    private static JsonObject Lease(string name, string holder) => Json(
        $$"""{ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "{{name}}" }, "spec": { "holderIdentity": "{{holder}}" } }""");

    private static JsonObject Json(string text) => JsonNode.Parse(text)!.AsObject();
}
