using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Speaker;

/// <summary>What is wrong with this node: each is logged when it begins, and shown while it lasts.</summary>
/// <param name="promiscuous">Interfaces that are set to take all frames.</param>
/// <param name="logger">Told.</param>
internal sealed partial class NodeWarnings(NamePatterns promiscuous, ILogger<NodeWarnings> logger)
{
    private volatile string[] current = [];

    /// <summary>What is wrong now.</summary>
    public IReadOnlyList<string> Current => current;

    /// <summary>Looks again.</summary>
    /// <param name="links">The node's links.</param>
    public void Check(IReadOnlyCollection<LinkFacts> links)
    {
        string[] found = [.. new[]
        {
            StrictArp.Check(links), WirelessLinks.Check(links, promiscuous.Match), BridgeFilter.Check(links.Select(static link => link.Name)),
        }.OfType<string>()];
        foreach (var warning in found.Except(current))
        {
            LogWarning(warning);
        }

        current = found;
    }

    [LoggerMessage(EventId = 3102, Level = LogLevel.Warning, Message = "{Warning}")]
    private partial void LogWarning(string warning);
}
