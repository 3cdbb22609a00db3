using System.Text.RegularExpressions;

namespace LoadBalancer.Speaker.Links;

/// <summary>Which interfaces are meant, by regular expressions of their names, searched for anywhere in the name unless anchored.</summary>
/// <param name="patterns">The expressions; none means no interface.</param>
/// <exception cref="ArgumentException">One of them is no regular expression; the message says which and why.</exception>
public sealed class NamePatterns(IEnumerable<string> patterns)
{
    private readonly IReadOnlyList<Regex> expressions = [.. patterns.Select(static pattern => new Regex(pattern, RegexOptions.CultureInvariant))];

    /// <summary>Whether one of them matches.</summary>
    public bool Match(string name)
    {
        foreach (var expression in expressions)
        {
            if (expression.IsMatch(name))
            {
                return true;
            }
        }

        return false;
    }
}
