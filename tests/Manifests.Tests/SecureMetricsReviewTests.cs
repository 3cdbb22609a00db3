using System.Text.Json.Nodes;
using LoadBalancer.Kubernetes.Access;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.Manifests.Tests;

/// <summary>
/// Who gets <c>/metrics</c>, by what the program asks of an API server with the rights that the component secure-metrics gives it: the one of the
/// tests, and a real kube-apiserver where there is one.
/// </summary>
public sealed class SecureMetricsReviewTests
{
    private const string Monitoring = "/api/v1/namespaces/monitoring/serviceaccounts";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ApiServer_SaysWhoseATokenIs_AndWhoMayGetMetrics(bool real)
    {
        Assert.SkipWhen(Tool.Find("kubectl") is null, "kubectl is not installed");
        await using var server = await AskedApiServer.StartAsync(real, "no kube-apiserver was asked for reviews");
        server.Apply("-f", ProjectFiles.At("manifests", "loadbalancer.yaml"));
        server.Apply("-f", ProjectFiles.At("manifests", "monitoring", "namespace.yaml"));
        server.Apply("-f", ProjectFiles.At("manifests", "monitoring", "prometheus", "rbac.yaml"));
        await server.Admin.CreateAsync(Monitoring, new JsonObject { ["apiVersion"] = "v1", ["kind"] = "ServiceAccount", ["metadata"] = new JsonObject { ["name"] = "other" } });
        var speaker = server.KubeconfigOf("speaker", await server.TokenAsync(Manifests.Namespace, "speaker"));
        using var connection = new ApiClientFactory(TimeProvider.System).Connect(speaker, "test/1");
        var reviewer = new AccessReviewer(new ApiClient(connection, ApiUse.Speaker.With(true, ApiUse.SecuringMetrics), TimeProvider.System));
        var (prometheus, other) = (await server.TokenAsync("monitoring", "prometheus"), await server.TokenAsync("monitoring", "other"));

        // Without the component it may not even ask, and says what it may not.
        var refused = await Assert.ThrowsAnyAsync<HttpRequestException>(() => AskAsync(prometheus));
        Assert.Contains("tokenreviews", refused.Message, StringComparison.Ordinal);

        server.Apply(Component.Render("secure-metrics"));
        await Eventually.GetAsync(
            async () =>
            {
                try
                {
                    return await AskAsync(prometheus) is { Allowed: true, User: "system:serviceaccount:monitoring:prometheus" } review ? review : null;
                }
                catch (ApiException)
                {
                    return null;
                }
            },
            TimeSpan.FromSeconds(30), "the component's rights to be in force");
        Assert.Equal((null, false), Judged(await AskAsync("nonsense")));
        Assert.Equal(("system:serviceaccount:monitoring:other", false), Judged(await AskAsync(other)));
        Assert.False((await reviewer.AskAsync(prometheus, "post", "/metrics", Cancel)).Allowed);

        await server.Admin.CreateAsync("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", new JsonObject
        {
            ["apiVersion"] = "rbac.authorization.k8s.io/v1",
            ["kind"] = "ClusterRoleBinding",
            ["metadata"] = new JsonObject { ["name"] = "other-reads-metrics" },
            ["roleRef"] = new JsonObject { ["apiGroup"] = "rbac.authorization.k8s.io", ["kind"] = "ClusterRole", ["name"] = "loadbalancer-metrics-reader" },
            ["subjects"] = new JsonArray(new JsonObject { ["kind"] = "ServiceAccount", ["name"] = "other", ["namespace"] = "monitoring" }),
        });
        await Eventually.GetAsync(async () => (await AskAsync(other)).Allowed ? "allowed" : null, TimeSpan.FromSeconds(30), "the reader's role to be in force");

        Task<AccessReview> AskAsync(string token) => reviewer.AskAsync(token, "get", "/metrics", Cancel);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static (string? User, bool Allowed) Judged(AccessReview review) => (review.User, review.Allowed);
}
