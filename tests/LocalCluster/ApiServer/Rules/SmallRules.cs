using System.Text;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.Requests;

namespace LoadBalancer.LocalCluster.ApiServer.Rules;

/// <summary>Namespaces: the label with their own name, the finalizer, the phase.</summary>
public sealed class NamespaceRules : KindRules
{
    public override NameForm NameForm => NameForm.Label;

    public override void Default(JsonObject o) =>
        o.Need("metadata").Need("labels")["kubernetes.io/metadata.name"] = o["metadata"].Text("name");

    public override void PrepareCreate(JsonObject o)
    {
        o.Need("spec")["finalizers"] = new JsonArray("kubernetes");
        o.Need("status")["phase"] = "Active";
    }

    public override void PrepareUpdate(JsonObject o, JsonObject old) => o.Put("spec", old["spec"]?.DeepClone());
}

/// <summary>Leases (<c>ValidateLeaseSpec</c>); that their times have six digits is checked when they are decoded.</summary>
public sealed class LeaseRules : KindRules
{
    public override void Validate(JsonObject o, JsonObject? old, ResourceKind requested, ICollection<FieldProblem> problems)
    {
        var spec = o["spec"];
        if (spec.Number("leaseDurationSeconds") is <= 0)
            problems.Add(FieldProblem.Invalid("spec.leaseDurationSeconds", spec.At("leaseDurationSeconds"), "must be greater than 0"));
        if (spec.Number("leaseTransitions") is < 0)
            problems.Add(FieldProblem.Invalid("spec.leaseTransitions", spec.At("leaseTransitions"), "must be greater than or equal to 0"));
    }
}

/// <summary>Events (<c>ValidateEventCreate</c>): stricter for those of events.k8s.io and those that carry an eventTime.</summary>
public sealed class EventRules : KindRules
{
    private const int NoteLimit = 1024;
    private const int WordLimit = 128;

    public override void Default(JsonObject o)
    {
        o.Default("involvedObject", new JsonObject());
        o.Default("source", new JsonObject());
        o.Default("reportingComponent", "");
        o.Default("reportingInstance", "");
    }

    public override void Validate(JsonObject o, JsonObject? old, ResourceKind requested, ICollection<FieldProblem> problems)
    {
        var ns = o["metadata"].Text("namespace");
        var about = o.Text("involvedObject", "namespace");
        var hasTime = o["eventTime"] is not null;
        var fits = about.Length > 0 ? hasTime || about == ns : ns == "default" || (hasTime && ns == "kube-system");
        if (!fits)
            problems.Add(FieldProblem.Invalid("involvedObject.namespace", about, "does not match event.namespace"));
        if (hasTime)
            ValidateNew(o, requested.Group.Length == 0 ? "reportingComponent" : "reportingController", problems);
        if (requested.Group.Length > 0 && old is null)
            ValidateStrict(o, hasTime, problems);
    }

    private static void ValidateNew(JsonObject o, string controllerField, ICollection<FieldProblem> problems)
    {
        if (o.Text("reportingComponent").Length == 0)
            problems.Add(FieldProblem.Required(controllerField));
        if (Names.WrongQualified(o.Text("reportingComponent")) is { } wrong)
            problems.Add(FieldProblem.Invalid(controllerField, o.Text("reportingComponent"), wrong));
        foreach (var field in (string[])["reportingInstance", "action", "reason"])
        {
            if (o.Text(field).Length == 0)
                problems.Add(FieldProblem.Required(field));
            if (o.Text(field).Length > WordLimit)
                problems.Add(FieldProblem.Invalid(field, "", $"can have at most {WordLimit} characters"));
        }

        if (Encoding.UTF8.GetByteCount(o.Text("message")) > NoteLimit)
            problems.Add(FieldProblem.Invalid("message", "", $"can have at most {NoteLimit} characters"));
    }

    private static void ValidateStrict(JsonObject o, bool hasTime, ICollection<FieldProblem> problems)
    {
        if (!hasTime)
            problems.Add(FieldProblem.Required("eventTime"));
        if (o.Text("type") is not ("Normal" or "Warning"))
            problems.Add(FieldProblem.Invalid("type", "", $"has invalid value: {o.Text("type")}"));
        foreach (var field in (string[])["firstTimestamp", "lastTimestamp", "count"])
        {
            if (o[field] is not null && o.Number(field) != 0)
                problems.Add(FieldProblem.Invalid(field, "", "needs to be unset"));
        }

        if (o.Text("source", "component").Length > 0 || o.Text("source", "host").Length > 0)
            problems.Add(FieldProblem.Invalid("source", "", "needs to be unset"));
        if (o.Map("series") is { } series && series.Number("count") is not >= 2)
            problems.Add(FieldProblem.Invalid("series.count", "", "should be at least 2"));
    }
}

/// <summary>ConfigMaps and Secrets: keys, immutability, and a Secret's type and <c>stringData</c>.</summary>
public sealed class DataRules(bool secret) : KindRules
{
    private static readonly string[] DataFields = ["data", "binaryData"];

    public override void Default(JsonObject o)
    {
        if (!secret)
            return;
        o.Default("type", "Opaque");
        foreach (var (key, value) in o.Map("stringData") ?? [])
            o.Need("data")[key] = Convert.ToBase64String(Encoding.UTF8.GetBytes(value.Text()));
        o.Remove("stringData");
    }

    public override void Validate(JsonObject o, JsonObject? old, ResourceKind requested, ICollection<FieldProblem> problems)
    {
        foreach (var field in DataFields)
        {
            foreach (var (key, _) in o.Map(field) ?? [])
            {
                if (key.Length is 0 or > 253 || key is "." or ".." || key.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')))
                    problems.Add(FieldProblem.Invalid($"{field}[{key}]", key,
                        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"));
            }
        }

        if (old?.Flag("immutable") == true)
            ValidateImmutable(o, old, problems);
        if (secret && old is not null && o.Text("type") != old.Text("type"))
            problems.Add(FieldProblem.Invalid("type", o["type"], "field is immutable"));
    }

    private static void ValidateImmutable(JsonObject o, JsonObject old, ICollection<FieldProblem> problems)
    {
        if (o.Flag("immutable") != true)
            problems.Add(FieldProblem.Forbidden("immutable", "field is immutable when `immutable` is set"));
        foreach (var field in DataFields.Where(f => !JsonNode.DeepEquals(o[f], old[f])))
            problems.Add(FieldProblem.Forbidden(field, "field is immutable when `immutable` is set"));
    }
}

/// <summary>Roles and bindings: default API groups, and that a binding's role cannot change.</summary>
public sealed class RbacRules : KindRules
{
    private const string Group = "rbac.authorization.k8s.io";

    public override NameForm NameForm => NameForm.PathSegment;

    public override void Default(JsonObject o)
    {
        o.Map("roleRef")?.Default("apiGroup", Group);
        foreach (var subject in o.Objects("subjects").Where(s => s.Text("kind") is "User" or "Group"))
            subject.Default("apiGroup", Group);
    }

    public override void Validate(JsonObject o, JsonObject? old, ResourceKind requested, ICollection<FieldProblem> problems)
    {
        if (requested.Kind.EndsWith("Binding", StringComparison.Ordinal))
            ValidateBinding(o, old, problems);
        else
            ValidateRules(o, requested, problems);
    }

    private static void ValidateBinding(JsonObject o, JsonObject? old, ICollection<FieldProblem> problems)
    {
        if (o.Text("roleRef", "name").Length == 0)
            problems.Add(FieldProblem.Required("roleRef.name"));
        if (o.Text("roleRef", "kind") is not ("Role" or "ClusterRole"))
            problems.Add(FieldProblem.NotSupported("roleRef.kind", o.Text("roleRef", "kind"), "ClusterRole", "Role"));
        if (old is not null && !JsonNode.DeepEquals(o["roleRef"], old["roleRef"]))
            problems.Add(FieldProblem.Invalid("roleRef", o["roleRef"], "cannot change roleRef"));
        var i = 0;
        foreach (var subject in o.Objects("subjects"))
        {
            if (subject.Text("kind") == "ServiceAccount" && subject.Text("namespace").Length == 0)
                problems.Add(FieldProblem.Required($"subjects[{i}].namespace"));
            i++;
        }
    }

    private static void ValidateRules(JsonObject o, ResourceKind requested, ICollection<FieldProblem> problems)
    {
        var i = 0;
        foreach (var rule in o.Objects("rules"))
        {
            if (!rule.Strings("verbs").Any())
                problems.Add(FieldProblem.Required($"rules[{i}].verbs", "verbs must contain at least one value"));
            if (rule.Strings("nonResourceURLs").Any())
            {
                if (requested.Kind == "Role")
                    problems.Add(FieldProblem.Invalid($"rules[{i}].nonResourceURLs", rule["nonResourceURLs"], "namespaced rules cannot apply to non-resource URLs"));
            }
            else
            {
                if (!rule.Strings("apiGroups").Any())
                    problems.Add(FieldProblem.Required($"rules[{i}].apiGroups", "resource rules must supply at least one api group"));
                if (!rule.Strings("resources").Any())
                    problems.Add(FieldProblem.Required($"rules[{i}].resources", "resource rules must supply at least one resource"));
            }

            i++;
        }
    }
}

/// <summary>EndpointSlices: address type, port defaults.</summary>
public sealed class EndpointSliceRules : KindRules
{
    public override void Default(JsonObject o)
    {
        foreach (var port in o.Objects("ports"))
        {
            port.Default("name", "");
            port.Default("protocol", "TCP");
        }
    }

    public override void Validate(JsonObject o, JsonObject? old, ResourceKind requested, ICollection<FieldProblem> problems)
    {
        if (o.Text("addressType") is not ("IPv4" or "IPv6" or "FQDN"))
            problems.Add(o.Text("addressType").Length == 0
                ? FieldProblem.Required("addressType")
                : FieldProblem.NotSupported("addressType", o.Text("addressType"), "FQDN", "IPv4", "IPv6"));
        if (old is not null && o.Text("addressType") != old.Text("addressType"))
            problems.Add(FieldProblem.Invalid("addressType", o["addressType"], "field is immutable"));
        var i = 0;
        foreach (var endpoint in o.Objects("endpoints"))
        {
            if (!endpoint.Strings("addresses").Any())
                problems.Add(FieldProblem.Required($"endpoints[{i}].addresses", "must contain at least 1 address"));
            i++;
        }
    }
}

/// <summary>Nodes: the empty facts a kubelet fills in, and the taint a node starts with (admission plugin TaintNodesByCondition).</summary>
public sealed class NodeRules : KindRules
{
    private const string NotReady = "node.kubernetes.io/not-ready";

    private static readonly string[] Facts =
    [
        "machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion", "kubeletVersion", "kubeProxyVersion",
        "operatingSystem", "architecture",
    ];

    public override void Default(JsonObject o)
    {
        o.Need("spec");
        var status = o.Need("status");
        status.Need("daemonEndpoints").Need("kubeletEndpoint").Default("Port", 0L);
        foreach (var fact in Facts)
            status.Need("nodeInfo").Default(fact, "");
    }

    public override void PrepareCreate(JsonObject o)
    {
        var spec = o.Need("spec");
        if (spec.Objects("taints").Any(t => t.Text("key") == NotReady))
            return;
        if (spec["taints"] is not JsonArray taints)
            spec["taints"] = taints = [];
        taints.Add((JsonNode)new JsonObject { ["key"] = NotReady, ["effect"] = "NoSchedule" });
    }
}

/// <summary>Kinds whose only rule is a default or two.</summary>
public sealed class DefaultRules(Action<JsonObject> apply, NameForm form = NameForm.Subdomain) : KindRules
{
    public override NameForm NameForm => form;

    public override void Default(JsonObject o) => apply(o);
}
