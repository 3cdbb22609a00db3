namespace LoadBalancer.Core.Pools;

/// <summary>The operators of a Kubernetes label selector requirement (meta/v1 LabelSelectorOperator).</summary>
public enum LabelOperator
{
    /// <summary>The label exists with one of the values.</summary>
    In,

    /// <summary>The label is absent or has none of the values.</summary>
    NotIn,

    /// <summary>The label exists.</summary>
    Exists,

    /// <summary>The label is absent.</summary>
    DoesNotExist,
}

/// <summary>One requirement of a label selector.</summary>
/// <param name="Key">The label's name.</param>
/// <param name="Operator">How <paramref name="Values"/> are compared.</param>
/// <param name="Values">Not empty for In and NotIn, empty for the others.</param>
public sealed record LabelRequirement(string Key, LabelOperator Operator, IReadOnlyList<string> Values)
{
    /// <summary>Whether the labels meet the requirement.</summary>
    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        var exists = labels.TryGetValue(Key, out var value);
        return Operator switch
        {
            LabelOperator.In => exists && Values.Contains(value!),
            LabelOperator.NotIn => !exists || !Values.Contains(value!),
            LabelOperator.Exists => exists,
            _ => !exists,
        };
    }
}

/// <summary>A Kubernetes label selector (meta/v1 LabelSelector): all requirements must be met; none matches everything.</summary>
/// <param name="Requirements">matchLabels are requirements with <see cref="LabelOperator.In"/> and one value.</param>
public sealed record LabelSelector(IReadOnlyList<LabelRequirement> Requirements)
{
    /// <summary>Whether the labels meet every requirement.</summary>
    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        foreach (var requirement in Requirements)
        {
            if (!requirement.Matches(labels))
            {
                return false;
            }
        }

        return true;
    }
}
