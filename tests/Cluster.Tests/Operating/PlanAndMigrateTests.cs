using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.Cluster.Tests.Operating;

/// <summary><c>plan</c> and <c>migrate --from-cluster</c>: what they say, done with the real kubectl, is what happens.</summary>
public sealed class PlanAndMigrateTests(ClusterFixture fixture, ITestOutputHelper output) : OperatorTest(fixture, output)
{
    [Fact]
    public async Task Plan_SaysWhereAServiceMoves_AndThereItMoves()
    {
        (string name, string address, _) = await CreateAnnouncedServiceAsync();
        const string Next = "address-pools:\n- name: default\n  protocol: layer2\n  addresses: [192.168.98.10-192.168.98.20]\n";
        string file = Path.Combine(PrivateRun.Folder, "next.yaml");
        await File.WriteAllTextAsync(file, Next, Cancel);

        (int status, string text, string error, _) = Lb("plan", file, "-o", "json");

        Figure(text + error);
        Assert.Equal(1, status);
        JsonObject planned = JsonNode.Parse(text)!.Objects("services").Single(entry => entry.Text("service") == $"default/{name}");
        Assert.Equal(("Moves", address, "192.168.98.10"), (planned.Text("effect"), planned.Strings("before").Single(), planned.Strings("after").Single()));
        await ChangeConfigAsync(Next);
        await Eventually.GetAsync(() => Task.FromResult(Cluster.Addresses(name) is ["192.168.98.10"] ? name : null), Soon, "the address of the plan");
        Assert.Equal(0, Lb("plan", file).Status);
    }

    [Fact]
    public async Task Migrate_OfMetalLBsResources_IsAppliedAndKeepsTheAddress()
    {
        (string name, string address, _) = await CreateAnnouncedServiceAsync();
        await CreateKindAsync("IPAddressPool", "ipaddresspools");
        await CreateKindAsync("L2Advertisement", "l2advertisements");
        await Cluster.Api.ApplyAsync("/apis/metallb.io/v1beta1/namespaces/default/ipaddresspools", Resource("IPAddressPool", "lan", new JsonObject
        {
            ["addresses"] = new JsonArray("192.168.96.100-192.168.96.150"),
            ["avoidBuggyIPs"] = true,
        }));
        await Cluster.Api.ApplyAsync("/apis/metallb.io/v1beta1/namespaces/default/l2advertisements", Resource("L2Advertisement", "lan", new JsonObject { ["ipAddressPools"] = new JsonArray("lan") }));

        (int status, string text, string error, _) = await Eventually.GetAsync(
            () => Task.FromResult(Lb("migrate", "--from-cluster") is { Status: 0 } answer ? new Answer(answer) : null), Soon, "a migration");
        Figure(text + error);

        string file = Path.Combine(PrivateRun.Folder, "migrated.yaml");
        await File.WriteAllTextAsync(file, text, Cancel);
        Assert.Equal(0, Lb("check", file).Status);
        Assert.Contains("1 keep what they have", Lb("plan", file).Out, StringComparison.Ordinal);
        await ChangeConfigAsync(UsualConfig);
        Tool.Run("kubectl", ["--kubeconfig", Cluster.AdminKubeconfig, "--cache-dir", $"{PrivateRun.Folder}/kubectl", "apply", "-f", file]);
        await Eventually.GetAsync(
            () => Task.FromResult(JsonNode.Parse(Lb("status", "-o", "json").Out)!.Objects("pools").Any(pool => pool.Text("name") == "lan") ? file : null), Soon, "the migrated pool in force");
        Assert.Equal([address], Cluster.Addresses(name));
        Assert.Contains("kubectl -n metallb-system scale deployment controller", error, StringComparison.Ordinal);
        Assert.Equal(0, status);
    }

    private static JsonObject Resource(string kind, string name, JsonObject spec) => new()
    {
        ["apiVersion"] = "metallb.io/v1beta1",
        ["kind"] = kind,
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default" },
        ["spec"] = spec,
    };

    private Task<JsonObject> CreateKindAsync(string kind, string plural) => Cluster.Api.ApplyAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", new JsonObject
    {
        ["apiVersion"] = "apiextensions.k8s.io/v1",
        ["kind"] = "CustomResourceDefinition",
        ["metadata"] = new JsonObject { ["name"] = $"{plural}.metallb.io" },
        ["spec"] = new JsonObject
        {
            ["group"] = "metallb.io",
            ["scope"] = "Namespaced",
            ["names"] = new JsonObject { ["kind"] = kind, ["listKind"] = $"{kind}List", ["plural"] = plural, ["singular"] = kind.ToLowerInvariant() },
            ["versions"] = new JsonArray(new JsonObject
            {
                ["name"] = "v1beta1",
                ["served"] = true,
                ["storage"] = true,
                ["schema"] = new JsonObject { ["openAPIV3Schema"] = new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true } },
            }),
        },
    });

    private sealed record Answer((int Status, string Out, string Error, TimeSpan Took) Of)
    {
        public void Deconstruct(out int status, out string text, out string error, out TimeSpan took) => (status, text, error, took) = Of;
    }
}
