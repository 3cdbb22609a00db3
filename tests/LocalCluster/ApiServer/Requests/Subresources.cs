using System.Text.Json.Nodes;
using k8s.Models;
using LoadBalancer.LocalCluster.ApiServer.Access;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Patch;
using LoadBalancer.LocalCluster.ApiServer.Schemas;
using LoadBalancer.LocalCluster.ApiServer.Storage;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>What is asked of the server without being stored as such: <c>scale</c>, service account tokens, access reviews.</summary>
public sealed class Subresources(Writes writes, Authentication authentication, RbacAuthorizer authorizer, bool enforceRbac, TimeProvider time)
{
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromHours(1);

    /// <summary>GET, PUT or PATCH of <c>/scale</c>.</summary>
    public async Task ScaleAsync(ApiContext context)
    {
        var current = Current(context);
        if (context.Info.Verb == "get")
        {
            await context.AnswerAsync(Scale(current));
            return;
        }

        var body = Bodies.Parse(await Bodies.ReadAsync(context.Http), yaml: false, context.Kind);
        var scale = Scale(current);
        if (context.Info.Verb == "update")
            scale = body as JsonObject ?? [];
        else if (body is JsonArray operations)
            JsonPatch.Apply(scale, operations);
        else
            MergePatch.Apply(scale, body as JsonObject ?? []);

        while (true)
        {
            var o = current.Json.DeepClone().AsObject();
            o.Need("spec")["replicas"] = scale.Number("spec", "replicas") ?? 0;
            if (writes.Update(context, o, current) is { } stored)
            {
                await context.AnswerAsync(Scale(stored));
                return;
            }

            current = Current(context);
        }
    }

    /// <summary>POST of <c>serviceaccounts/NAME/token</c> (TokenRequest).</summary>
    public async Task TokenAsync(ApiContext context)
    {
        var account = Current(context);
        var request = await Bodies.ReadPlainAsync(context.Http, ModelSchemas.Of(typeof(Authenticationv1TokenRequest)));
        request["kind"] = "TokenRequest";
        request["apiVersion"] = "authentication.k8s.io/v1";
        request["status"] = new JsonObject
        {
            ["token"] = authentication.TokenOf($"system:serviceaccount:{account.Namespace}:{account.Name}"),
            ["expirationTimestamp"] = Preparation.Timestamp(time.GetUtcNow() + TokenLifetime),
        };
        await context.AnswerAsync(request, 201);
    }

    /// <summary>Answers a review, or null if the resource is none.</summary>
    public async Task<JsonObject?> ReviewAsync(Microsoft.AspNetCore.Http.HttpContext http, RequestInfo info, User user)
    {
        if (info.Verb != "create" || info.Version != "v1")
            return null;
        switch ((info.Group, info.Resource))
        {
            case ("authorization.k8s.io", "selfsubjectaccessreviews" or "subjectaccessreviews"):
                var review = await Bodies.ReadPlainAsync(http, ModelSchemas.Of(typeof(V1SubjectAccessReview)));
                var about = info.Resource == "subjectaccessreviews"
                    ? new User(review.Text("spec", "user"), [.. review.Strings("spec", "groups")])
                    : user;
                review["status"] = new JsonObject { ["allowed"] = !enforceRbac || authorizer.Allows(about, Asked(review.Map("spec") ?? [])) };
                return review;
            case ("authentication.k8s.io", "tokenreviews"):
                var asked = await Bodies.ReadPlainAsync(http, ModelSchemas.Of(typeof(V1TokenReview)));
                asked["status"] = authentication.OwnerOf(asked.Text("spec", "token")) is { } owner
                    ? new JsonObject
                    {
                        ["authenticated"] = true,
                        ["user"] = new JsonObject { ["username"] = owner.Name, ["groups"] = JsonPaths.ListOf(owner.Groups) },
                    }
                    : new JsonObject { ["error"] = "invalid bearer token" };
                return asked;
            case ("authentication.k8s.io", "selfsubjectreviews"):
                return new JsonObject
                {
                    ["kind"] = "SelfSubjectReview",
                    ["apiVersion"] = "authentication.k8s.io/v1",
                    ["metadata"] = new JsonObject(),
                    ["status"] = new JsonObject
                    {
                        ["userInfo"] = new JsonObject { ["username"] = user.Name, ["groups"] = JsonPaths.ListOf(user.Groups) },
                    },
                };
            default:
                return null;
        }
    }

    private StoredObject Current(ApiContext context) => writes.Find(context) ?? throw ApiException.NotFound(context.Kind, context.Info.Name);

    private static RequestInfo Asked(JsonObject spec) => spec.Map("resourceAttributes") is { } resource
        ? new RequestInfo
        {
            IsResource = true,
            Path = "",
            Verb = resource.Text("verb"),
            Group = resource.Text("group"),
            Resource = resource.Text("resource"),
            Subresource = resource.Text("subresource"),
            Namespace = resource.Text("namespace"),
            AuthorizedName = resource.Text("name"),
        }
        : new RequestInfo { Verb = spec.Text("nonResourceAttributes", "verb"), Path = spec.Text("nonResourceAttributes", "path") };

    private static JsonObject Scale(StoredObject stored)
    {
        var o = stored.Json;
        var metadata = new JsonObject();
        foreach (var field in (string[])["name", "namespace", "uid", "resourceVersion", "creationTimestamp"])
            metadata.Put(field, o["metadata"].At(field)?.DeepClone());
        return new JsonObject
        {
            ["kind"] = "Scale",
            ["apiVersion"] = "autoscaling/v1",
            ["metadata"] = metadata,
            ["spec"] = new JsonObject { ["replicas"] = o.Number("spec", "replicas") ?? 0 },
            ["status"] = new JsonObject
            {
                ["replicas"] = o.Number("status", "replicas") ?? 0,
                ["selector"] = JsonPaths.Pairs(o.Map("spec", "selector", "matchLabels")),
            },
        };
    }
}
