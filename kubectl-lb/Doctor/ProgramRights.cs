using System.Net;
using LoadBalancer.Kubernetes.Client;

namespace LoadBalancer.Kubectl.Doctor;

/// <summary>A right that a program needs and does not have.</summary>
/// <param name="Program">controller or speaker.</param>
/// <param name="Verb">What it may not do.</param>
/// <param name="Resource">To what, as RBAC names it.</param>
/// <param name="Namespace">Where; empty for everywhere.</param>
/// <param name="Name">To which one only, or null.</param>
internal sealed record MissingRight(string Program, string Verb, string Resource, string Namespace, string? Name);

/// <summary>Asks the API server whether the service accounts of our programs have the rights that the programs declare.</summary>
internal static class ProgramRights
{
    /// <summary>What is missing; null if whoever calls may not ask.</summary>
    public static async Task<IReadOnlyList<MissingRight>?> FindAsync(ApiReader reader, string systemNamespace, string configMap, CancellationToken stop)
    {
        try
        {
            var answers = await Task.WhenAll(Needed(systemNamespace, configMap).Select(async right =>
                await reader.IsAllowedAsync($"system:serviceaccount:{systemNamespace}:{right.Right.Program}", Groups(systemNamespace), right.Verb, right.Resource, right.Right.Namespace, right.Right.Name, stop)
                    .ConfigureAwait(false) ? null : right.Right)).ConfigureAwait(false);
            return [.. answers.OfType<MissingRight>()];
        }
        catch (ApiException e) when (e.StatusCode == HttpStatusCode.Forbidden)
        {
            return null;
        }
    }

    private static string[] Groups(string systemNamespace) => ["system:serviceaccounts", $"system:serviceaccounts:{systemNamespace}", "system:authenticated"];

    private static IEnumerable<(MissingRight Right, ApiVerb Verb, ApiResource Resource)> Needed(string systemNamespace, string configMap) =>
        from use in (ApiUse[])[ApiUse.Controller, ApiUse.Speaker]
        from grant in use.Grants
        from verb in grant.Verbs
        let name = grant.Resource == ApiResource.ConfigMaps ? configMap : grant.ResourceName
        select (new MissingRight(use.Program, verb.ToString().ToLowerInvariant(), grant.Resource.RbacName, grant.Scope == ApiScope.Cluster ? "" : systemNamespace, name), verb, grant.Resource);
}
