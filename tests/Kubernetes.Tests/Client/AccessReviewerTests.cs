using System.Text.Json.Nodes;
using LoadBalancer.Kubernetes.Access;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Tests.Support;

namespace LoadBalancer.Kubernetes.Tests.Client;

public sealed class AccessReviewerTests
{
    [Fact]
    public async Task Owner_IsAskedAboutWithEverythingTheServerSaidOfHim()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then("""
            {"kind":"TokenReview","spec":{"token":"secret"},"status":{"authenticated":true,"user":{
              "username":"system:serviceaccount:monitoring:prometheus","uid":"7","groups":["system:serviceaccounts","system:authenticated"],
              "extra":{"authentication.kubernetes.io/node-name":["n1"]}}}}
            """);
        server.Then("""{"kind":"SubjectAccessReview","status":{"allowed":true,"reason":"RBAC: allowed by ClusterRoleBinding"}}""");

        var review = await Reviewer(server).AskAsync("secret", "get", "/metrics", Cancel);

        Assert.Equal(new AccessReview("system:serviceaccount:monitoring:prometheus", true, "RBAC: allowed by ClusterRoleBinding"), review);
        Assert.Equal(
            ["POST /apis/authentication.k8s.io/v1/tokenreviews", "POST /apis/authorization.k8s.io/v1/subjectaccessreviews"], server.Requests.Select(seen => seen.ToString()));
        Assert.Equal("""{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"secret"}}""", server.Requests[0].Body);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""
            {"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{
              "user":"system:serviceaccount:monitoring:prometheus","uid":"7","groups":["system:serviceaccounts","system:authenticated"],
              "extra":{"authentication.kubernetes.io/node-name":["n1"]},"nonResourceAttributes":{"path":"/metrics","verb":"get"}}}
            """), JsonNode.Parse(server.Requests[1].Body)), server.Requests[1].Body);
    }

    [Theory]
    [InlineData("""{"status":{"authenticated":false,"error":"token has expired"}}""", "token has expired")]
    [InlineData("""{"status":{}}""", "")]
    [InlineData("""{"status":{"authenticated":true,"user":{}}}""", "")]
    [InlineData("""{"status":{"authenticated":"yes","user":{"username":"x"}}}""", "")]
    public async Task Token_ThatIsNobodys_IsNotAskedAboutFurther(string answer, string detail)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(answer);

        Assert.Equal(new AccessReview(null, false, detail), await Reviewer(server).AskAsync("x", "get", "/metrics", Cancel));
    }

    [Theory]
    [InlineData("""{"status":{"allowed":false}}""", false)]
    [InlineData("""{"status":{"allowed":true,"denied":true}}""", false)]
    [InlineData("""{"status":{}}""", false)]
    [InlineData("""{"status":{"allowed":true}}""", true)]
    public async Task Right_IsThereIfTheServerSaysSo_AndNobodyDenies(string answer, bool allowed)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then("""{"status":{"authenticated":true,"user":{"username":"x"}}}""");
        server.Then(answer);

        Assert.Equal(allowed, (await Reviewer(server).AskAsync("x", "get", "/metrics", Cancel)).Allowed);
    }

    [Theory]
    [InlineData("""{"kind":"TokenReview"}""")]
    [InlineData("nonsense")]
    public async Task AnswerThatIsNone_IsAnError_AndNoYes(string answer)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Then(answer);

        await Assert.ThrowsAsync<HttpRequestException>(() => Reviewer(server).AskAsync("x", "get", "/metrics", Cancel));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static AccessReviewer Reviewer(ScriptedServer server) => new(server.Client(TimeProvider.System, ApiUse.Speaker.With(true, ApiUse.SecuringMetrics)));
}
