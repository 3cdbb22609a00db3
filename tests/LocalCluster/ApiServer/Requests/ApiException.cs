using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>A failure that is answered with a <c>v1 Status</c> (k8s.io/apimachinery, <c>metav1.Status</c> and its reasons).</summary>
public sealed class ApiException(int code, string reason, string message, JsonObject? details = null) : Exception(message)
{
    public int Code => code;

    public string Reason => reason;

    public int? RetryAfterSeconds { get; init; }

    public JsonObject ToStatus()
    {
        var status = new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Failure",
            ["message"] = Message,
        };
        if (reason.Length > 0)
            status["reason"] = reason;
        var all = details?.DeepClone().AsObject();
        if (RetryAfterSeconds is { } seconds)
            (all ??= [])["retryAfterSeconds"] = (long)seconds;
        if (all is not null)
            status["details"] = all;
        status["code"] = (long)code;
        return status;
    }

    public static ApiException NotFound(ResourceKind kind, string name) =>
        new(404, "NotFound", $"{kind.QualifiedPlural} \"{name}\" not found", Details(kind, name));

    /// <summary>No such resource or path.</summary>
    public static ApiException NoSuchResource() => new(404, "NotFound", "the server could not find the requested resource", []);

    public static ApiException AlreadyExists(ResourceKind kind, string name) =>
        new(409, "AlreadyExists", $"{kind.QualifiedPlural} \"{name}\" already exists", Details(kind, name));

    public static ApiException Conflict(ResourceKind kind, string name, string why) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on {kind.QualifiedPlural} \"{name}\": {why}", Details(kind, name));

    public static ApiException Modified(ResourceKind kind, string name) =>
        Conflict(kind, name, "the object has been modified; please apply your changes to the latest version and try again");

    public static ApiException BadRequest(string message) => new(400, "BadRequest", message);

    public static ApiException Unauthorized() => new(401, "Unauthorized", "Unauthorized");

    public static ApiException Forbidden(string group, string resource, string name, string why)
    {
        var details = new JsonObject();
        if (name.Length > 0)
            details["name"] = name;
        if (group.Length > 0)
            details["group"] = group;
        details["kind"] = resource;
        var subject = name.Length > 0 ? $"{ResourceKind.CollectionOf(group, resource)} \"{name}\"" : ResourceKind.CollectionOf(group, resource);
        return new ApiException(403, "Forbidden", $"{subject} is forbidden: {why}", details);
    }

    public static ApiException Expired(string message = "The resourceVersion for the provided list is too old.") => new(410, "Expired", message);

    public static ApiException Gone(long asked, long floor) =>
        new(410, "Expired", $"too old resource version: {asked} ({floor})");

    public static ApiException TooLargeVersion(long asked, long current) =>
        new(504, "Timeout", $"Timeout: Too large resource version: {asked}, current: {current}", new JsonObject
        {
            ["causes"] = new JsonArray(new JsonObject { ["reason"] = "ResourceVersionTooLarge", ["message"] = "Too large resource version" }),
        })
        { RetryAfterSeconds = 1 };

    public static ApiException MethodNotAllowed() =>
        new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", []);

    public static ApiException UnsupportedMediaType(params string[] known) =>
        new(415, "UnsupportedMediaType", $"the body of the request was in an unknown format - accepted media types include: {string.Join(", ", known)}");

    /// <summary>A patch that does not apply; the server says no more than that.</summary>
    public static ApiException PatchRefused() => new(422, "Invalid", "the server rejected our request due to an error in our request", []);

    /// <summary>A patch whose outcome has fields that do not exist (<c>fieldValidation=Strict</c>).</summary>
    public static ApiException PatchedInvalid(JsonObject patched, string why)
    {
        var message = $"Invalid value: {JsonText.ToText(JsonValue.Create(JsonText.ToText(patched)))}: {why}";
        var cause = new JsonObject { ["reason"] = "FieldValueInvalid", ["message"] = message, ["field"] = "patch" };
        return new ApiException(422, "Invalid", $" \"\" is invalid: patch: {message}", new JsonObject { ["causes"] = new JsonArray(cause) });
    }

    /// <summary>A delete whose precondition does not hold.</summary>
    public static ApiException PreconditionFailed(ResourceKind kind, string name, string what, string wanted, string found)
    {
        var happened = what == "UID" ? "deleted and then recreated" : "modified";
        return new ApiException(409, "Conflict",
            $"Operation cannot be fulfilled on {kind.QualifiedKind} \"{name}\": the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). The object might have been {happened}",
            new JsonObject { ["name"] = name, ["kind"] = kind.Kind });
    }

    public static ApiException ListOptionsForbidden(string field, string why)
    {
        var cause = new JsonObject { ["reason"] = "FieldValueForbidden", ["message"] = $"Forbidden: {why}", ["field"] = field };
        return new ApiException(422, "Invalid", $"ListOptions.meta.k8s.io \"\" is invalid: {field}: Forbidden: {why}",
            new JsonObject { ["group"] = "meta.k8s.io", ["kind"] = "ListOptions", ["causes"] = new JsonArray(cause) });
    }

    public static ApiException Invalid(ResourceKind kind, string name, IReadOnlyList<FieldProblem> problems)
    {
        var details = Details(kind, name);
        details["kind"] = kind.Kind;
        // Both groups of Events are checked as the one kind that is stored.
        var shown = kind.Conversion == VersionConversion.Events ? kind.Kind : kind.QualifiedKind;
        if (shown == kind.Kind)
            details.Remove("group");
        details["causes"] = new JsonArray([.. problems.Select(p => new JsonObject
        {
            ["reason"] = p.Reason, ["message"] = p.Message, ["field"] = p.Field,
        })]);
        var texts = problems.Select(p => $"{p.Field}: {p.Message}").ToList();
        var text = texts.Count == 1 ? texts[0] : $"[{string.Join(", ", texts)}]";
        return new ApiException(422, "Invalid", $"{shown} \"{name}\" is invalid: {text}", details);
    }

    public static JsonObject Details(ResourceKind kind, string name)
    {
        var details = new JsonObject();
        if (name.Length > 0)
            details["name"] = name;
        if (kind.Group.Length > 0)
            details["group"] = kind.Group;
        details["kind"] = kind.Plural;
        return details;
    }
}

/// <summary>One field that is wrong, as <c>status.details.causes</c> gives it.</summary>
public sealed record FieldProblem(string Reason, string Field, string Message)
{
    public static FieldProblem Required(string field, string why = "") =>
        new("FieldValueRequired", field, why.Length == 0 ? "Required value" : $"Required value: {why}");

    public static FieldProblem Invalid(string field, JsonNode? value, string why) =>
        new("FieldValueInvalid", field, $"Invalid value: {JsonText.ToText(value)}: {why}");

    public static FieldProblem Forbidden(string field, string why) => new("FieldValueForbidden", field, $"Forbidden: {why}");

    public static FieldProblem NotSupported(string field, string value, params IEnumerable<string> known) =>
        new("FieldValueNotSupported", field, $"Unsupported value: \"{value}\": supported values: {string.Join(", ", known.Select(k => $"\"{k}\""))}");

    public static FieldProblem Duplicate(string field, JsonNode? value) =>
        new("FieldValueDuplicate", field, $"Duplicate value: {JsonText.ToText(value)}");
}
