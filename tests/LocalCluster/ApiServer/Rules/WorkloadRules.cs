using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.Requests;

namespace LoadBalancer.LocalCluster.ApiServer.Rules;

/// <summary>Deployments and their kin: the defaults kubectl shows, and what a manifest must have to be accepted.</summary>
public sealed class WorkloadRules(Action<JsonObject> specDefaults, params string[] counts) : KindRules
{
    private const string TemplateGeneration = "deprecated.daemonset.template.generation";

    public static WorkloadRules Deployment { get; } = new(spec =>
    {
        spec.Default("replicas", 1L);
        var strategy = spec.Need("strategy");
        strategy.Default("type", "RollingUpdate");
        RollingUpdate(strategy, "25%", "25%");
        spec.Default("revisionHistoryLimit", 10L);
        spec.Default("progressDeadlineSeconds", 600L);
    });

    public static WorkloadRules DaemonSet { get; } = new(spec =>
    {
        var strategy = spec.Need("updateStrategy");
        strategy.Default("type", "RollingUpdate");
        RollingUpdate(strategy, 1L, 0L);
        spec.Default("revisionHistoryLimit", 10L);
    }, "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady");

    public static WorkloadRules StatefulSet { get; } = new(spec =>
    {
        spec.Default("replicas", 1L);
        spec.Default("podManagementPolicy", "OrderedReady");
        spec.Default("revisionHistoryLimit", 10L);
        spec.Need("updateStrategy").Default("type", "RollingUpdate");
        if (spec.Text("updateStrategy", "type") == "RollingUpdate")
            spec.Need("updateStrategy").Need("rollingUpdate").Default("partition", 0L);
        var claims = spec.Need("persistentVolumeClaimRetentionPolicy");
        claims.Default("whenDeleted", "Retain");
        claims.Default("whenScaled", "Retain");
    }, "replicas", "availableReplicas");

    public static WorkloadRules ReplicaSet { get; } = new(spec => spec.Default("replicas", 1L), "replicas");

    /// <summary>Jobs: no more than kubectl shows; nothing runs them.</summary>
    public static DefaultRules Job { get; } = new(o =>
    {
        var spec = o.Need("spec");
        spec.Default("parallelism", 1L);
        spec.Default("completions", 1L);
        spec.Default("backoffLimit", 6L);
        spec.Default("completionMode", "NonIndexed");
        spec.Default("suspend", false);
        if (spec.Map("template", "spec") is { } pod)
            PodRules.DefaultSpec(pod, isTemplate: true);
        o.Need("status");
    });

    public override void Default(JsonObject o)
    {
        var spec = o.Need("spec");
        specDefaults(spec);
        if (spec.Map("template", "spec") is { } pod)
            PodRules.DefaultSpec(pod, isTemplate: true);
        var status = o.Need("status");
        foreach (var count in counts)
            status.Default(count, 0L);
        if (o.Text("kind") == "DaemonSet")
            o.Need("metadata").Need("annotations").Default(TemplateGeneration, "1");
    }

    public override void Validate(JsonObject o, JsonObject? old, ResourceKind requested, ICollection<FieldProblem> problems)
    {
        var spec = o["spec"];
        var selector = spec.Map("selector");
        var labels = spec.Map("template", "metadata", "labels");
        if (selector is null || selector.Count == 0)
            problems.Add(FieldProblem.Required("spec.selector"));
        if (!LabelSelectors.Match(selector ?? [], labels) || selector is null or { Count: 0 })
            problems.Add(FieldProblem.Invalid("spec.template.metadata.labels", labels ?? [], "`selector` does not match template `labels`"));
        if (old is not null && !JsonNode.DeepEquals(selector, old["spec"].Map("selector")))
            problems.Add(FieldProblem.Invalid("spec.selector", selector, "field is immutable"));
        PodRules.ValidateSpec(spec.Map("template", "spec"), "spec.template.spec", problems);
        if (spec.Text("template", "spec", "restartPolicy") is var policy and not ("Always" or ""))
            problems.Add(FieldProblem.NotSupported("spec.template.spec.restartPolicy", policy, "Always"));
    }

    private static void RollingUpdate(JsonObject strategy, JsonNode unavailable, JsonNode surge)
    {
        if (strategy.Text("type") != "RollingUpdate")
            return;
        var rolling = strategy.Need("rollingUpdate");
        rolling.Default("maxUnavailable", unavailable.DeepClone());
        rolling.Default("maxSurge", surge.DeepClone());
    }
}

/// <summary>Pods, alone or in a template.</summary>
public sealed class PodRules : KindRules
{
    private const long EvictionSeconds = 300;

    public override void Default(JsonObject o)
    {
        var spec = o.Need("spec");
        DefaultSpec(spec, isTemplate: false);
        spec.Default("enableServiceLinks", true);
        spec.Default("priority", 0L);
        spec.Default("preemptionPolicy", "PreemptLowerPriority");
        if (o.Map("status") is { } status && status.Text("podIP") is { Length: > 0 } ip)
            status.Default("podIPs", new JsonArray(new JsonObject { ["ip"] = ip }));
    }

    public override void PrepareCreate(JsonObject o)
    {
        var status = o.Need("status");
        status["phase"] = "Pending";
        status["qosClass"] = "BestEffort";
        Tolerate(o.Need("spec"), "node.kubernetes.io/not-ready");
        Tolerate(o.Need("spec"), "node.kubernetes.io/unreachable");
    }

    public override void Validate(JsonObject o, JsonObject? old, ResourceKind requested, ICollection<FieldProblem> problems) =>
        ValidateSpec(o.Map("spec"), "spec", problems);

    public static void DefaultSpec(JsonObject spec, bool isTemplate)
    {
        spec.Default("restartPolicy", "Always");
        spec.Default("dnsPolicy", "ClusterFirst");
        spec.Default("schedulerName", "default-scheduler");
        spec.Default("terminationGracePeriodSeconds", 30L);
        spec.Default("securityContext", new JsonObject());
        if (spec.Text("serviceAccountName").Length > 0)
            spec["serviceAccount"] = spec.Text("serviceAccountName");
        // Only a pod's own host ports are filled in, not those of templates.
        var hostNetwork = !isTemplate && spec.Flag("hostNetwork") == true;
        foreach (var container in spec.Objects("containers").Concat(spec.Objects("initContainers")))
            DefaultContainer(container, hostNetwork);
        foreach (var volume in spec.Objects("volumes"))
            DefaultVolume(volume);
    }

    public static void ValidateSpec(JsonObject? spec, string field, ICollection<FieldProblem> problems)
    {
        var containers = spec.Objects("containers").ToList();
        if (containers.Count == 0)
            problems.Add(FieldProblem.Required($"{field}.containers"));
        var volumes = spec.Objects("volumes").Select(v => v.Text("name")).ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < containers.Count; i++)
            ValidateContainer(containers[i], $"{field}.containers[{i}]", volumes, problems);
    }

    // What the admission plugin DefaultTolerationSeconds adds.
    private static void Tolerate(JsonObject spec, string taint)
    {
        if (spec.Objects("tolerations").Any(t => (t.Text("key") == taint || t.Text("key").Length == 0) && t.Text("effect") is "NoExecute" or ""))
            return;
        if (spec["tolerations"] is not JsonArray list)
            spec["tolerations"] = list = [];
        list.Add((JsonNode)new JsonObject
        {
            ["key"] = taint,
            ["operator"] = "Exists",
            ["effect"] = "NoExecute",
            ["tolerationSeconds"] = EvictionSeconds,
        });
    }

    private static void ValidateContainer(JsonObject container, string field, HashSet<string> volumes, ICollection<FieldProblem> problems)
    {
        var name = container.Text("name");
        if (name.Length == 0)
            problems.Add(FieldProblem.Required($"{field}.name"));
        else if (Names.Wrong(name, NameForm.Label) is { } wrong)
            problems.Add(FieldProblem.Invalid($"{field}.name", name, wrong));
        if (container.Text("image").Length == 0)
            problems.Add(FieldProblem.Required($"{field}.image"));
        var i = 0;
        foreach (var mount in container.Objects("volumeMounts"))
        {
            if (!volumes.Contains(mount.Text("name")))
                problems.Add(new FieldProblem("FieldValueNotFound", $"{field}.volumeMounts[{i}].name", $"Not found: \"{mount.Text("name")}\""));
            i++;
        }
    }

    private static void DefaultContainer(JsonObject container, bool hostNetwork)
    {
        container.Default("terminationMessagePath", "/dev/termination-log");
        container.Default("terminationMessagePolicy", "File");
        container.Default("resources", new JsonObject());
        var image = container.Text("image");
        var tag = image[(image.LastIndexOf('/') + 1)..];
        var latest = !tag.Contains('@', StringComparison.Ordinal) && (!tag.Contains(':', StringComparison.Ordinal) || tag.EndsWith(":latest", StringComparison.Ordinal));
        container.Default("imagePullPolicy", latest ? "Always" : "IfNotPresent");
        foreach (var port in container.Objects("ports"))
        {
            port.Default("protocol", "TCP");
            if (hostNetwork)
                port.Default("hostPort", port["containerPort"]?.DeepClone() ?? 0L);
        }

        foreach (var probe in (string[])["livenessProbe", "readinessProbe", "startupProbe"])
        {
            if (container.Map(probe) is { } found)
                DefaultProbe(found);
        }

        foreach (var reference in container.Objects("env").Select(e => e.Map("valueFrom", "fieldRef")).OfType<JsonObject>())
            reference.Default("apiVersion", "v1");
    }

    private static void DefaultProbe(JsonObject probe)
    {
        probe.Default("timeoutSeconds", 1L);
        probe.Default("periodSeconds", 10L);
        probe.Default("successThreshold", 1L);
        probe.Default("failureThreshold", 3L);
        if (probe.Map("httpGet") is { } get)
        {
            get.Default("path", "/");
            get.Default("scheme", "HTTP");
        }
    }

    private static void DefaultVolume(JsonObject volume)
    {
        const long ReadableByAll = 420;
        foreach (var source in (string[])["configMap", "secret", "downwardAPI", "projected"])
            volume.Map(source)?.Default("defaultMode", ReadableByAll);
        volume.Map("hostPath")?.Default("type", "");
    }
}
