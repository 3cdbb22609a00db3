using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Ownership;

namespace LoadBalancer.Speaker.Tests.Ownership;

internal static class Leases
{
    public static IReadOnlyDictionary<string, string> Of(LinkFacts link) => SpeakerLeases.Annotations([link], ready: true);
}
