using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Links;

/// <summary>The links of this node as they are now. One writer, any number of readers.</summary>
public sealed class LinkSet
{
    private volatile IReadOnlyList<LinkFacts> current = [];

    /// <summary>
    /// <see cref="Current"/> is another list. Raised by the writer after the change, so a handler does little: it wakes what follows.
    /// </summary>
    public event Action? Changed;

    /// <summary>The links by index; an immutable snapshot.</summary>
    public IReadOnlyList<LinkFacts> Current => current;

    /// <summary>Replaces the list, if it says anything new.</summary>
    internal void Update(IReadOnlyList<LinkFacts> links)
    {
        if (!Same(current, links))
        {
            current = links;
            Changed?.Invoke();
        }
    }

    // A record compares its list of prefixes by reference.
    private static bool Same(IReadOnlyList<LinkFacts> a, IReadOnlyList<LinkFacts> b) =>
        a.Count == b.Count
        && a.Zip(b).All(static pair => pair.First with { Prefixes = pair.Second.Prefixes } == pair.Second
            && pair.First.Prefixes.SequenceEqual(pair.Second.Prefixes));
}
