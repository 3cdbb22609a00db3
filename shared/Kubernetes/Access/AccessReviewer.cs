using LoadBalancer.Kubernetes.Client;

namespace LoadBalancer.Kubernetes.Access;

/// <summary>What the API server says of somebody who comes with a token.</summary>
/// <param name="User">Whose the token is; null if it is nobody's.</param>
/// <param name="Allowed">Whether that user may do what was asked about.</param>
/// <param name="Detail">What the server said beside that, or empty.</param>
public sealed record AccessReview(string? User, bool Allowed, string Detail);

/// <summary>
/// Leaves it to the API server whose a token is and what its owner may do: TokenReview (authentication.k8s.io/v1), then
/// SubjectAccessReview (authorization.k8s.io/v1). Both are questions; nothing is stored.
/// </summary>
/// <param name="api">The API server.</param>
public sealed class AccessReviewer(ApiClient api)
{
    // Both together end before a scrape of ten seconds does.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    /// <summary>Asks whether whoever has a token may do something to a path that is no resource.</summary>
    /// <param name="token">The bearer token.</param>
    /// <param name="verb">The HTTP method in lower case.</param>
    /// <param name="path">The path: <c>/metrics</c>.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="HttpRequestException">The server refused to answer, or could not be reached.</exception>
    public async Task<AccessReview> AskAsync(string token, string verb, string path, CancellationToken stop)
    {
        var request = new ApiRequest(ApiResource.TokenReviews, "v1", ApiVerb.Create) { Body = AccessReviewJson.WriteToken(token) };
        var owner = await api.SendOnceAsync(request, Timeout, AccessReviewJson.ReadToken, stop).ConfigureAwait(false);
        if (owner.Name is not { } name)
        {
            return new AccessReview(null, false, owner.Error);
        }

        request = new ApiRequest(ApiResource.SubjectAccessReviews, "v1", ApiVerb.Create) { Body = AccessReviewJson.WriteAccess(owner, verb, path) };
        var (allowed, reason) = await api.SendOnceAsync(request, Timeout, AccessReviewJson.ReadAccess, stop).ConfigureAwait(false);
        return new AccessReview(name, allowed, reason);
    }
}
