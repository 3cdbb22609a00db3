using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Monitoring;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Cluster.Tests.Stack;

/// <summary>
/// manifests/ingress-nginx and the example behind it, as a client of the LAN sees them. Debian has nginx, not the controller in front of
/// it: its configuration is made of the Ingress objects here. The application is played by nginx, too.
/// </summary>
public sealed class IngressTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    [Fact]
    public async Task Springboot_ThroughTheIngressAddress_IsServed()
    {
        await using var applied = new AppliedManifests(Cluster, "ingress-nginx", "examples/springboot");
        applied.Apply();
        JsonObject application = await applied.TemplateAsync("default", "deployments", "springboot");
        foreach (Node node in Cluster.Nodes.Take(2))
        {
            await applied.AddAsync(Springboot(node, application), "default");
        }

        JsonObject controller = await applied.TemplateAsync("ingress-nginx", "deployments", "ingress-nginx-controller");
        string server = await IngressServer.ConfigurationAsync(Cluster.Api, "nginx");
        foreach (Node node in Cluster.Nodes.Skip(1))
        {
            await applied.AddAsync(Pod.StartNginx($"ingress-{node.Name}", node, controller, server), "ingress-nginx");
        }

        // externalTrafficPolicy Local: a node with a controller announces it.
        string address = await Cluster.WaitForAddressAsync("ingress-nginx-controller", "ingress-nginx");
        Assert.Contains(await OwnerOnWireAsync(address), Cluster.Nodes.Skip(1));
        Assert.Contains("springboot on ", await HttpStatus.GetAsync(Cluster.Client, address, 80, "/springboot", 200), StringComparison.Ordinal);
        Assert.Contains("springboot on ", await HttpStatus.GetAsync(Cluster.Client, address, 80, "/springboot/actuator/health", 200), StringComparison.Ordinal);
        await HttpStatus.GetAsync(Cluster.Client, address, 80, "/springbootish", 404);
        await HttpStatus.GetAsync(Cluster.Client, address, 80, "/", 404);
    }

    private static Pod Springboot(Node node, JsonObject template)
    {
        string context = template.Objects("spec", "containers").Single().Objects("env")
            .Single(entry => entry.Text("name") == "SERVER_SERVLET_CONTEXT_PATH").Text("value");
        return Pod.StartNginx($"springboot-{node.Name}", node, template, $$"""
            server {
                listen {{Pod.Port}};
                location {{context}} { return 200 "springboot on {{node.Name}}\n"; }
                location / { return 404; }
            }
            """);
    }
}
