namespace LoadBalancer.Core.Pools;

/// <summary>Reads label selectors, spelled as in MetalLB's ConfigMap: <c>match-labels</c> and <c>match-expressions</c>.</summary>
internal static class SelectorReader
{
    private static readonly string[] SelectorKeys = ["match-labels", "match-expressions"];
    private static readonly string[] RequirementKeys = ["key", "operator", "values"];
    private static readonly string[] Operators = [.. Enum.GetNames<LabelOperator>()];

    public static IReadOnlyList<LabelSelector> ReadAll(ConfigFields pool, string key, ConfigProblems problems)
    {
        var selectors = new List<LabelSelector>();
        foreach (var item in pool.List(key))
        {
            if (ConfigFields.Open(item.Node, item.Path, SelectorKeys, problems) is { } fields)
            {
                selectors.Add(new LabelSelector([.. ReadLabels(fields, problems), .. ReadExpressions(fields, problems)]));
            }
        }

        return selectors;
    }

    private static IEnumerable<LabelRequirement> ReadLabels(ConfigFields selector, ConfigProblems problems)
    {
        var node = selector.Find("match-labels");
        if (node is null || ConfigFields.Open(node, selector.PathOf("match-labels"), null, problems) is not { } labels)
        {
            yield break;
        }

        foreach (var label in labels.Keys)
        {
            if (labels.Find(label) is null)
            {
                problems.Error(labels.PlaceOf(label), labels.PathOf(label), $"the label '{label}' has no value",
                    "give it a value, \"\" for the empty one, or use match-expressions with the operator Exists");
            }
            else if (labels.Text(label) is { } value)
            {
                yield return new LabelRequirement(label, LabelOperator.In, [value]);
            }
        }
    }

    private static IEnumerable<LabelRequirement> ReadExpressions(ConfigFields selector, ConfigProblems problems)
    {
        foreach (var item in selector.List("match-expressions"))
        {
            if (ConfigFields.Open(item.Node, item.Path, RequirementKeys, problems) is { } fields
                && ReadExpression(fields, problems) is { } requirement)
            {
                yield return requirement;
            }
        }
    }

    private static LabelRequirement? ReadExpression(ConfigFields fields, ConfigProblems problems)
    {
        var key = fields.Text("key");
        if (string.IsNullOrEmpty(key))
        {
            problems.Error(fields.PlaceOf("key"), fields.PathOf("key"), "the expression has no key", "add 'key:' with the name of a label");
        }

        var values = fields.Texts("values");
        var word = fields.Text("operator");
        if (!Operators.Contains(word))
        {
            problems.Error(fields.PlaceOf("operator"), fields.PathOf("operator"),
                string.IsNullOrEmpty(word) ? "the expression has no operator" : $"unknown operator '{ConfigFields.Shorten(word)}'",
                string.IsNullOrEmpty(word) ? $"valid here are {string.Join(", ", Operators)}" : NearestKey.Suggest(word, Operators));
            return null;
        }

        var op = Enum.Parse<LabelOperator>(word!);
        var takesValues = op is LabelOperator.In or LabelOperator.NotIn;
        if (takesValues && values.Count == 0)
        {
            problems.Error(fields.PlaceOf("values"), fields.PathOf("values"), $"the operator {op} has no values", "add 'values:' with at least one");
        }
        else if (!takesValues && values.Count > 0)
        {
            problems.Error(fields.PlaceOf("values"), fields.PathOf("values"), $"the operator {op} takes no values",
                $"remove 'values', or use {(op == LabelOperator.Exists ? LabelOperator.In : LabelOperator.NotIn)}");
        }

        return string.IsNullOrEmpty(key) ? null : new LabelRequirement(key, op, values);
    }
}
