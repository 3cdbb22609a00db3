using System.Collections.Immutable;
using System.Reflection;
using k8s.Models;
using LoadBalancer.LocalCluster.ApiServer.Schemas;

namespace LoadBalancer.LocalCluster.ApiServer.Kinds;

/// <summary>Every kind the server serves. A new one is one line here; columns, defaults and checks of its own are added where those live.</summary>
public sealed class KindTable
{
    private static readonly string[] All = ["all"];
    private ImmutableArray<ResourceKind> _kinds;

    public KindTable(IReadOnlyList<string> endpointSliceVersions)
    {
        ResourceKind[] fixedKinds =
        [
            Of<V1Namespace>("ns") with { Namespaced = false, HasStatus = true, ReturnsDeleted = true },
            Of<V1Service>("svc") with { HasStatus = true, Categories = All, CreateOnUpdate = true, ReturnsDeleted = true },
            Of<V1ConfigMap>("cm"),
            Of<V1Secret>(),
            Of<V1ServiceAccount>("sa") with { ReturnsDeleted = true },
            Of<V1Node>("no") with { Namespaced = false, HasStatus = true },
            Of<V1Pod>("po") with { TracksGeneration = true, HasStatus = true, Categories = All, ReturnsDeleted = true },
            Of<Corev1Event>("ev") with { CreateOnUpdate = true },
            Of<V1Endpoints>("ep") with { CreateOnUpdate = true },
            Of<V1PersistentVolume>("pv") with { Namespaced = false, HasStatus = true, ReturnsDeleted = true },
            Of<V1PersistentVolumeClaim>("pvc") with { HasStatus = true, ReturnsDeleted = true },
            Of<V1ResourceQuota>("quota") with { HasStatus = true, ReturnsDeleted = true },
            Of<V1LimitRange>("limits") with { CreateOnUpdate = true },
            Of<V1PodTemplate>() with { ReturnsDeleted = true },
            Of<Eventsv1Event>("ev") with { Conversion = VersionConversion.Events, CreateOnUpdate = true },
            Of<V1Deployment>("deploy") with { HasStatus = true, HasScale = true, TracksGeneration = true, Categories = All },
            Of<V1DaemonSet>("ds") with { HasStatus = true, TracksGeneration = true, Categories = All },
            Of<V1StatefulSet>("sts") with { HasStatus = true, HasScale = true, TracksGeneration = true, Categories = All },
            Of<V1ReplicaSet>("rs") with { HasStatus = true, HasScale = true, TracksGeneration = true, Categories = All },
            Of<V1ControllerRevision>(),
            Of<V1Job>() with { HasStatus = true, TracksGeneration = true, Categories = All },
            Of<V1CronJob>("cj") with { HasStatus = true, TracksGeneration = true, Categories = All },
            Of<V2HorizontalPodAutoscaler>("hpa") with { HasStatus = true, Categories = All },
            Of<V1Role>(),
            Of<V1RoleBinding>(),
            Of<V1ClusterRole>() with { Namespaced = false },
            Of<V1ClusterRoleBinding>() with { Namespaced = false },
            Of<V1NetworkPolicy>("netpol") with { TracksGeneration = true },
            Of<V1Ingress>("ing") with { HasStatus = true, TracksGeneration = true },
            Of<V1IngressClass>() with { Namespaced = false, TracksGeneration = true },
            Of<V1PodDisruptionBudget>("pdb") with { HasStatus = true, TracksGeneration = true },
            Of<V1PriorityClass>("pc") with { Namespaced = false, TracksGeneration = true },
            Of<V1StorageClass>("sc") with { Namespaced = false, ReturnsDeleted = true },
            Of<V1Lease>() with { CreateOnUpdate = true, UpdateNeedsVersion = true },
            Of<V1ValidatingWebhookConfiguration>() with { Namespaced = false, TracksGeneration = true },
            Of<V1MutatingWebhookConfiguration>() with { Namespaced = false, TracksGeneration = true },
            // Kept, not carried out: their expressions are a language of its own.
            Of<V1ValidatingAdmissionPolicy>() with { Namespaced = false, HasStatus = true, TracksGeneration = true },
            Of<V1ValidatingAdmissionPolicyBinding>() with { Namespaced = false, TracksGeneration = true },
            Of<V1CustomResourceDefinition>("crd", "crds") with
            {
                Namespaced = false, HasStatus = true, TracksGeneration = true, UpdateNeedsVersion = true, Categories = ["api-extensions"],
            },
            Of<V1APIService>() with { Namespaced = false, HasStatus = true, UpdateNeedsVersion = true, Categories = ["api-extensions"] },
        ];
        _kinds = [.. fixedKinds, .. endpointSliceVersions.Select(EndpointSlice)];
    }

    public ImmutableArray<ResourceKind> Kinds => _kinds;

    /// <summary>The kind behind a request path, or null.</summary>
    public ResourceKind? Find(string group, string version, string plural) =>
        _kinds.FirstOrDefault(k => k.Plural == plural && k.Group == group && k.Version == version);

    /// <summary>The kinds kept in a collection; a namespace is emptied through this.</summary>
    public IEnumerable<string> NamespacedCollections => _kinds.Where(k => k.Namespaced).Select(k => k.Collection).Distinct();

    /// <summary>Puts kinds made by CustomResourceDefinitions in place of those <paramref name="replaced"/> names.</summary>
    public void Replace(Func<ResourceKind, bool> replaced, IEnumerable<ResourceKind> kinds)
    {
        var added = kinds.ToArray();
        ImmutableInterlocked.Update(ref _kinds, now => [.. now.Where(k => !replaced(k)), .. added]);
    }

    private static ResourceKind EndpointSlice(string version) => version == "v1"
        ? Of<V1EndpointSlice>() with { TracksGeneration = true }
        : Of<V1EndpointSlice>() with { TracksGeneration = true, Version = version, Schema = null, Conversion = VersionConversion.EndpointSlicesBeta };

    private static ResourceKind Of<T>(params string[] shortNames)
    {
        var entity = typeof(T).GetCustomAttribute<KubernetesEntityAttribute>()!;
        return new ResourceKind
        {
            Group = entity.Group,
            Version = entity.ApiVersion,
            Kind = entity.Kind,
            Plural = entity.PluralName,
            ShortNames = shortNames,
            Schema = ModelSchemas.Of(typeof(T)),
        };
    }
}
