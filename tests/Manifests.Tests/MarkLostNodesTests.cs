using System.Diagnostics;
using System.Text.Json.Nodes;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

/// <summary>
/// The component mark-lost-nodes adds what <c>--mark-lost-nodes</c> needs, and nothing else: without it the controller can neither read
/// nor mark a pod.
/// </summary>
public sealed class MarkLostNodesTests
{
    [Fact]
    public async Task Component_GrantsWhatTheFlagUses_AndNothingElse()
    {
        var rendered = await RenderAsync();
        var added = new RbacRules(rendered).GrantedTo(Manifests.Namespace, "controller")
            .Except(new RbacRules(Manifests.Installed).GrantedTo(Manifests.Namespace, "controller"));
        var used = ApiUse.MarkingLostNodes.SelectMany(grant => grant.Verbs.Select(verb => new AccessRight(
            verb.ToString().ToLowerInvariant(), grant.Resource.Group, grant.Resource.RbacName,
            grant.Scope switch { ApiScope.OwnNamespace => Manifests.Namespace, ApiScope.NodeLeaseNamespace => "kube-node-lease", _ => null },
            grant.ResourceName)));
        Assert.Equal(used.ToHashSet(), added.ToHashSet());
    }

    [Fact]
    public async Task Component_GrantsTheSpeakerNothing()
    {
        var rendered = await RenderAsync();
        Assert.Equal(
            new RbacRules(Manifests.Installed).GrantedTo(Manifests.Namespace, "speaker"), new RbacRules(rendered).GrantedTo(Manifests.Namespace, "speaker"));
    }

    [Fact]
    public async Task Component_ChangesTheControllersArguments_AndNoOtherObject()
    {
        var rendered = (await RenderAsync()).ToDictionary(Manifests.Title);
        Assert.All(Manifests.Installed.Where(o => Manifests.Title(o) != "Deployment loadbalancer-system/controller"),
            o => Assert.True(JsonNode.DeepEquals(o, rendered[Manifests.Title(o)]), Manifests.Title(o)));
        var args = Manifests.Container(rendered["Deployment loadbalancer-system/controller"]).Strings("args");
        Assert.Equal(["--mark-lost-nodes=true"], args.Except(Manifests.Container(Manifests.Workload("controller")).Strings("args")));
    }

    [Fact]
    public async Task Component_OpensTheKubeletsPort_AndNothingElse()
    {
        var policy = (await RenderAsync()).Single(o => o.Text("kind") == "NetworkPolicy" && Manifests.Name(o) == "controller-mark-lost-nodes");
        Assert.Equal(["Egress"], policy.Strings("spec", "policyTypes"));
        Assert.Equal(["TCP 10250"], policy.Objects("spec", "egress").SelectMany(rule => rule.Objects("ports")).Select(p => $"{p.Text("protocol")} {(long)p["port"]!}"));
    }

    private static async Task<IReadOnlyList<JsonObject>> RenderAsync()
    {
        var folder = Directory.CreateTempSubdirectory("mark-lost-nodes-");
        try
        {
            string At(params ReadOnlySpan<string> path) => Path.GetRelativePath(folder.FullName, ProjectFiles.At(["manifests", "loadbalancer", .. path]));
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "kustomization.yaml"), $"""
                apiVersion: kustomize.config.k8s.io/v1beta1
                kind: Kustomization
                resources: [{At()}]
                components: [{At("components", "mark-lost-nodes")}]
                """, TestContext.Current.CancellationToken);
            using var process = Process.Start(new ProcessStartInfo("kubectl", ["kustomize", folder.FullName]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0, await errors);
            return [.. YamlText.ParseAll(await output)];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
