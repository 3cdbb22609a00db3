using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.Fakes;

/// <summary>What a speaker's Lease says.</summary>
internal sealed record SpeakerLease(string Node)
{
    private static int version;

    public string Version { get; init; } = "1.2.0";

    public string Links { get; init; } = "eth0=10.0.0.200/24";

    public string Hears { get; init; } = "";

    public string Silent { get; init; } = "";

    public string Taken { get; init; } = "";

    public string Lost { get; init; } = "";

    public bool Stopped { get; init; }

    public AnnouncedAddress[] Announces { get; init; } = [];

    public LeaseResource ToResource() => new()
    {
        Key = new ObjectKey("loadbalancer-system", Node),
        ResourceVersion = $"{Interlocked.Increment(ref version)}",
        HolderIdentity = Stopped ? "" : Node,
        LeaseDurationSeconds = 40,
        Annotations = new Dictionary<string, string>
        {
            [SpeakerAnnotations.Ready] = "true",
            [SpeakerAnnotations.Version] = Version,
            [SpeakerAnnotations.Links] = Links,
            [SpeakerAnnotations.Hears] = Hears,
            [AnnouncedAddresses.Announces] = AnnouncedAddresses.Of(Announces),
            [AnnouncedAddresses.Silent] = Silent,
            [StrangerAnnotations.Taken] = Taken,
            [LossAnnotations.Lost] = Lost,
        },
    };

    public static AnnouncedAddress At(string address, DateTimeOffset since, string? instead = null) => new(IpAddress.Parse(address), "eth0", since, instead);
}
