using System.Diagnostics;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Manifests.Tests;

/// <summary><c>kubectl lb doctor</c> finds that the manifests give the programs every right that they declare, and names one that is taken away.</summary>
public sealed class DoctorRightsTests
{
    private const string Role = $"/apis/rbac.authorization.k8s.io/v1/namespaces/{Manifests.Namespace}/roles/speaker";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RightThatAProgramLacks_IsNamed_AndThoseOfTheManifestsAreAllThere(bool real)
    {
        Assert.SkipWhen(Tool.Find("kubectl") is null, "kubectl is not installed");
        await using var server = await AskedApiServer.StartAsync(real, "no kube-apiserver was asked about the programs' rights");
        server.Apply("-f", ProjectFiles.At("manifests", "loadbalancer.yaml"));
        await FindsAsync(server.Kubeconfig, said => !said.Contains(" may not ", StringComparison.Ordinal), "no right that lacks");

        var rules = (await server.Admin.GetAsync(Role))["rules"]!.AsArray();
        await server.Admin.MergeAsync(Role, new JsonObject
        {
            ["rules"] = new JsonArray([.. rules.Where(rule => !rule.Strings("resources").Contains("secrets")).Select(rule => rule!.DeepClone())]),
        });
        await FindsAsync(server.Kubeconfig, said => said.Contains("the speaker may not list, watch secrets heartbeat-key in loadbalancer-system", StringComparison.Ordinal), "the right that was taken away");
    }

    // A change of rights is in force a moment after it is written.
    private static async Task FindsAsync(string kubeconfig, Func<string, bool> isRight, string what)
    {
        var said = "";
        await Eventually.TrueAsync(
            () =>
            {
                var start = new ProcessStartInfo(ProgramFile.FindPlugin(), ["doctor", "--kubeconfig", kubeconfig]) { RedirectStandardOutput = true };
                using var process = Process.Start(start)!;
                said = process.StandardOutput.ReadToEnd();
                process.WaitForExit();
                return said.Contains("there is no controller in the namespace", StringComparison.Ordinal) && isRight(said);
            },
            TimeSpan.FromSeconds(30), what, () => said);
    }
}
