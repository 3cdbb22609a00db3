using System.Globalization;
using LoadBalancer.LocalCluster.ApiServer.Access;
using LoadBalancer.LocalCluster.ApiServer.Discovery;
using LoadBalancer.LocalCluster.ApiServer.Faults;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>One request from its arrival to its answer: faults, who, may they, what.</summary>
public sealed class ApiHandler(
    KindTable kinds, Authentication authentication, RbacAuthorizer authorizer, AccessLog accessLog, FaultInjection faults,
    NonResourcePaths paths, Reads reads, Watches watches, Writes writes, Deletes deletes, Subresources subresources, PodProxy podProxy, PodForward podForward, PodLog podLog, bool enforceRbac)
{
    public async Task HandleAsync(HttpContext http)
    {
        try
        {
            await AnswerAsync(http);
        }
        catch (ApiException error)
        {
            await FailAsync(http, error);
        }
        catch (Exception e) when (http.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException or ConnectionAbortedException)
        {
            // The client is gone; there is nobody to answer.
        }
    }

    private async Task AnswerAsync(HttpContext http)
    {
        var info = RequestInfo.Of(http.Request);
        await faults.ApplyAsync(info, http.RequestAborted);
        var user = authentication.Identify(http);
        Authorize(user, info);
        if (!info.IsResource)
        {
            await paths.AnswerAsync(http, info);
            return;
        }

        if (await subresources.ReviewAsync(http, info, user) is { } review)
        {
            http.Response.StatusCode = 201;
            http.Response.ContentType = "application/json";
            await http.Response.Body.WriteAsync(JsonText.ToUtf8(review), http.RequestAborted);
            return;
        }

        var kind = kinds.Find(info.Group, info.Version, info.Resource) ?? throw ApiException.NoSuchResource();
        if (kind.Namespaced ? info.Namespace.Length == 0 && info.Name.Length > 0 : info.Namespace.Length > 0 && kind.Collection != "namespaces")
            throw ApiException.NoSuchResource();
        await DispatchAsync(new ApiContext(http, info, user, kind));
    }

    private Task DispatchAsync(ApiContext context) => (context.Info.Subresource, context.Info.Verb) switch
    {
        ("", "get") => reads.GetAsync(context),
        ("", "list") => reads.ListAsync(context),
        ("", "watch") => watches.WatchAsync(context),
        ("", "create") when context.Info.Name.Length == 0 => writes.CreateAsync(context),
        ("", "update") when context.Info.Name.Length > 0 => writes.UpdateAsync(context),
        ("", "patch") when context.Info.Name.Length > 0 => writes.PatchAsync(context),
        ("", "delete") => deletes.DeleteAsync(context),
        ("", "deletecollection") => deletes.DeleteCollectionAsync(context),
        ("status", "get") when context.Kind.HasStatus => reads.GetAsync(context),
        ("status", "update") when context.Kind.HasStatus => writes.UpdateAsync(context),
        ("status", "patch") when context.Kind.HasStatus => writes.PatchAsync(context),
        ("scale", "get" or "update" or "patch") when context.Kind.HasScale => subresources.ScaleAsync(context),
        ("token", "create") when context.Kind.Collection == "serviceaccounts" => subresources.TokenAsync(context),
        ("log", "get") when context.Kind.Collection == "pods" => podLog.AnswerAsync(context),
        ("portforward", "get") when context.Kind.Collection == "pods" => podForward.AnswerAsync(context),
        ("proxy", "get") when context.Kind.Collection == "pods" => podProxy.AnswerAsync(context),
        ("", _) => throw ApiException.MethodNotAllowed(),
        ("status", _) when context.Kind.HasStatus => throw ApiException.MethodNotAllowed(),
        ("scale", _) when context.Kind.HasScale => throw ApiException.MethodNotAllowed(),
        _ => throw ApiException.NoSuchResource(),
    };

    private void Authorize(User user, RequestInfo info)
    {
        var allowed = NonResourcePaths.IsOpen(info) || !enforceRbac || authorizer.Allows(user, info);
        accessLog.Add(new AccessRecord(user.Name, info.Verb, info.Group, info.IsResource ? info.Resource : info.Path,
            info.Subresource, info.Namespace, info.AuthorizedName, allowed));
        if (!allowed)
            throw RbacAuthorizer.Refusal(user, info);
    }

    private static async Task FailAsync(HttpContext http, ApiException error)
    {
        if (http.Response.HasStarted)
        {
            http.Abort();
            return;
        }

        http.Response.StatusCode = error.Code;
        http.Response.ContentType = "application/json";
        if (error.RetryAfterSeconds is { } seconds)
            http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        await http.Response.Body.WriteAsync(JsonText.ToUtf8(error.ToStatus()), http.RequestAborted);
    }
}
