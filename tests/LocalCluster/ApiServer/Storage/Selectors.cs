using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Requests;

namespace LoadBalancer.LocalCluster.ApiServer.Storage;

/// <summary>A <c>labelSelector</c> and a <c>fieldSelector</c> of a request (kubernetes.io, "Labels and Selectors", "Field Selectors").</summary>
public sealed class Selectors
{
    private static readonly HashSet<string> HasOwnFields = new(StringComparer.Ordinal)
        { "pods", "services", "nodes", "namespaces", "secrets", "events", "replicasets.apps", "jobs.batch" };

    private readonly List<Func<JsonObject, bool>> _requirements = [];

    private Selectors()
    {
    }

    public bool SelectsAll => _requirements.Count == 0;

    /// <exception cref="ApiException">A selector does not parse, or the kind cannot be selected by that field.</exception>
    public static Selectors Parse(string labels, string fields, string collection)
    {
        var selectors = new Selectors();
        foreach (var term in Split(labels))
            selectors.AddLabel(term);
        foreach (var term in Split(fields))
            selectors.AddField(term, collection);
        return selectors;
    }

    public bool Match(JsonObject o)
    {
        foreach (var requirement in _requirements)
        {
            if (!requirement(o))
                return false;
        }

        return true;
    }

    private void AddLabel(string term)
    {
        if (Sets(term) is var (key, negated, values))
            AddLabel(key, found => found is not null && values.Contains(found) ? !negated : negated);
        else if (Pair(term) is var (name, unequal, value))
            AddLabel(name, found => (found == value) != unequal);
        else if (term.StartsWith('!'))
            AddLabel(term[1..].Trim(), found => found is null);
        else
            AddLabel(term, found => found is not null);
    }

    private void AddLabel(string key, Func<string?, bool> test)
    {
        if (key.Length == 0 || key.Any(c => !char.IsAsciiLetterOrDigit(c) && "-_./".IndexOf(c, StringComparison.Ordinal) < 0))
            throw ApiException.BadRequest($"unable to parse requirement: found '{key}', expected: in, notin, =, ==, !=, gt, lt");
        _requirements.Add(o => test(o.Map("metadata", "labels")?[key] is JsonValue value ? value.Text() : null));
    }

    private void AddField(string term, string collection)
    {
        if (Pair(term) is not var (path, unequal, value))
            throw ApiException.BadRequest($"invalid selector: '{term}'; can't understand '{term}'");
        if (!Selectable(path, collection))
        {
            throw ApiException.BadRequest(HasOwnFields.Contains(collection)
                ? $"field label not supported: {path}"
                : $"\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
        }

        var names = path.Split('.');
        _requirements.Add(o => (FieldText(o, names) == value) != unequal);
    }

    private static string FieldText(JsonObject o, string[] names) =>
        o.At(names) switch { null => "", var node when node.IsString() => node.Text(), var node => node.ToJsonString() };

    private static bool Selectable(string path, string collection) => (path, collection) switch
    {
        ("metadata.name" or "metadata.namespace", _) => true,
        ("spec.nodeName" or "spec.restartPolicy" or "spec.schedulerName" or "spec.serviceAccountName" or "spec.hostNetwork"
            or "status.phase" or "status.podIP" or "status.nominatedNodeName", "pods") => true,
        ("spec.clusterIP" or "spec.type", "services") => true,
        ("spec.unschedulable", "nodes") => true,
        ("status.phase", "namespaces") => true,
        ("type", "secrets") => true,
        ("status.replicas", "replicasets.apps") => true,
        ("status.successful", "jobs.batch") => true,
        ("reason" or "type" or "source" or "reportingComponent", "events") => true,
        (_, "events") => path is "involvedObject.kind" or "involvedObject.namespace" or "involvedObject.name" or "involvedObject.uid"
            or "involvedObject.apiVersion" or "involvedObject.resourceVersion" or "involvedObject.fieldPath",
        _ => false,
    };

    private static (string Key, bool Negated, HashSet<string> Values)? Sets(string term)
    {
        var open = term.IndexOf('(', StringComparison.Ordinal);
        if (open < 0 || !term.EndsWith(')'))
            return null;
        var head = term[..open].Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (head is not [var key, "in" or "notin"])
            throw ApiException.BadRequest($"unable to parse requirement: found '{term}', expected: in, notin, =, ==, !=");
        var values = term[(open + 1)..^1].Split(',', StringSplitOptions.TrimEntries).ToHashSet(StringComparer.Ordinal);
        return (key, head[1] == "notin", values);
    }

    private static (string Key, bool Unequal, string Value)? Pair(string term)
    {
        foreach (var sign in (string[])["!=", "==", "="])
        {
            var at = term.IndexOf(sign, StringComparison.Ordinal);
            if (at > 0)
                return (term[..at].Trim(), sign == "!=", term[(at + sign.Length)..].Trim());
        }

        return null;
    }

    private static IEnumerable<string> Split(string text)
    {
        int start = 0, depth = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && text[i] != ',')
                depth += text[i] switch { '(' => 1, ')' => -1, _ => 0 };
            else if (i == text.Length || depth == 0)
            {
                var term = text[start..i].Trim();
                start = i + 1;
                if (term.Length > 0)
                    yield return term;
            }
        }
    }
}
