using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Requests;

namespace LoadBalancer.LocalCluster.ApiServer.Rules;

/// <summary>The forms of names (kubernetes.io, "Object Names and IDs").</summary>
public enum NameForm
{
    /// <summary>RFC 1123 subdomain.</summary>
    Subdomain,

    /// <summary>RFC 1123 label.</summary>
    Label,

    /// <summary>Anything that can be one part of a path: RBAC objects.</summary>
    PathSegment,
}

/// <summary>Checks names and metadata, in the API server's words.</summary>
public static partial class Names
{
    private const string SubdomainRule =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
        + "alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    private const string LabelRule =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
        + "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

    private const string QualifiedRule =
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
        + "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

    private const string LabelValueRule =
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
        + "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

    private const int MaxAnnotationBytes = 256 * 1024;

    /// <summary>What is wrong with a name, or null.</summary>
    public static string? Wrong(string name, NameForm form) => form switch
    {
        NameForm.Label => name.Length > 63 ? "must be no more than 63 characters" : LabelForm().IsMatch(name) ? null : LabelRule,
        NameForm.Subdomain => name.Length > 253 ? "must be no more than 253 characters" : SubdomainForm().IsMatch(name) ? null : SubdomainRule,
        _ => name is "." or ".." ? $"may not be '{name}'" : name.AsSpan().IndexOfAny('/', '%') >= 0 ? "may not contain '/' or '%'" : null,
    };

    /// <summary>What is wrong with a label key or another qualified name, or null.</summary>
    public static string? WrongQualified(string name)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var local = name[(slash + 1)..];
        if (slash == 0)
            return "prefix part must be non-empty";
        if (slash > 0 && Wrong(name[..slash], NameForm.Subdomain) is { } wrong)
            return "prefix part " + wrong;
        if (local.Length == 0)
            return "name part must be non-empty";
        return local.Length > 63 ? "name part must be no more than 63 characters" : QualifiedForm().IsMatch(local) ? null : QualifiedRule;
    }

    public static void CheckMetadata(JsonObject o, NameForm form, ICollection<FieldProblem> problems)
    {
        var metadata = o["metadata"];
        var name = metadata.Text("name");
        if (name.Length == 0)
            problems.Add(FieldProblem.Required("metadata.name", "name or generateName is required"));
        else if (Wrong(name, form) is { } wrong)
            problems.Add(FieldProblem.Invalid("metadata.name", name, wrong));
        CheckLabels(metadata.Map("labels"), "metadata.labels", problems);

        var annotationBytes = 0;
        foreach (var (key, value) in metadata.Map("annotations") ?? [])
        {
            annotationBytes += key.Length + value.Text().Length;
            if (WrongQualified(key.ToLowerInvariant()) is { } why)
                problems.Add(FieldProblem.Invalid("metadata.annotations", key, why));
        }

        if (annotationBytes > MaxAnnotationBytes)
            problems.Add(new FieldProblem("FieldValueTooLong", "metadata.annotations", $"Too long: may not be more than {MaxAnnotationBytes} bytes"));
    }

    public static void CheckLabels(JsonObject? labels, string field, ICollection<FieldProblem> problems)
    {
        foreach (var (key, value) in labels ?? [])
        {
            if (WrongQualified(key) is { } wrongKey)
                problems.Add(FieldProblem.Invalid(field, key, wrongKey));
            var text = value.Text();
            if (text.Length > 63)
                problems.Add(FieldProblem.Invalid(field, text, "must be no more than 63 bytes"));
            else if (text.Length > 0 && !QualifiedForm().IsMatch(text))
                problems.Add(FieldProblem.Invalid(field, text, LabelValueRule));
        }
    }

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
    private static partial Regex LabelForm();

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")]
    private static partial Regex SubdomainForm();

    [GeneratedRegex("^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$")]
    private static partial Regex QualifiedForm();
}
