using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;
using LoadBalancer.Status;

namespace LoadBalancer.Controller.Report;

/// <summary>
/// Where each address of a Service is, from what the speakers' Leases say. A Lease is up to two seconds late: of two nodes that announce an
/// address, one may merely not have written yet that it has ceased to. One report at a time.
/// </summary>
/// <param name="time">A monotonic clock.</param>
internal sealed class AddressBook(TimeProvider time)
{
    /// <summary>For how long two nodes may both say that they announce an address.</summary>
    public static readonly TimeSpan Lateness = TimeSpan.FromSeconds(5);

    private readonly Dictionary<IpAddress, long> twice = [];

    /// <summary>One row for each address.</summary>
    public IReadOnlyList<AddressStatus> Of(IReadOnlyList<AssignmentStatus> services, PoolConfig config, Speakers speakers)
    {
        var users = services.SelectMany(static service => service.Addresses.Select(text => (Text: text, Service: $"{service.Namespace}/{service.Name}")))
            .Where(static entry => IpAddress.TryParse(entry.Text, out _)).GroupBy(static entry => IpAddress.Parse(entry.Text), static entry => entry.Service).ToArray();
        foreach (var gone in twice.Keys.Except(users.Select(static entry => entry.Key)).ToArray())
        {
            twice.Remove(gone);
        }

        var subnets = speakers.Nodes.SelectMany(static node => node.Links.Select(link => (Key: (Node: node.Name, Link: link.Name), link.Prefixes)))
            .ToLookup(static entry => entry.Key, static entry => entry.Prefixes.Select(NetworkOf).ToArray());
        return [.. users.OrderBy(static entry => entry.Key).Select(entry => Row(entry.Key, [.. entry], config, speakers, subnets))];
    }

    private AddressStatus Row(
        IpAddress address, IReadOnlyList<string> services, PoolConfig config, Speakers speakers, ILookup<(string Node, string Link), string[]> subnets)
    {
        Voice[] voices = [.. speakers.Voices[address]];
        var (state, detail) = Judge(address, voices, speakers, subnets);
        return new AddressStatus
        {
            Address = address.ToString(),
            Pool = config.Find(address)?.Name,
            Services = services,
            State = state,
            Voices = [.. voices.Select(static voice => new VoiceStatus { Node = voice.Node, Link = voice.What.Link, Since = voice.What.Since, For = voice.What.For })],
            Detail = detail,
        };
    }

    private (string State, string? Detail) Judge(IpAddress address, Voice[] voices, Speakers speakers, ILookup<(string Node, string Link), string[]> subnets)
    {
        var owners = voices.Where(static voice => voice.What.For is null).ToArray();
        var isSplit = IsSplit(address, owners, subnets);
        if (speakers.Taken.TryGetValue(address, out var mac) && voices.Length > 0)
        {
            return ("Conflict", $"another host, {mac}, uses it, too");
        }

        if (isSplit)
        {
            return ("Split", $"{string.Join(" and ", owners.Select(static voice => voice.Node))} announce it in one subnet");
        }

        if (owners.Length > 0)
        {
            return ("Announced", null);
        }

        if (voices.Length > 0)
        {
            return ("Represented", $"{voices[0].Node} answers for {voices[0].What.For}, whose speaker is away");
        }

        if (speakers.Silent.TryGetValue(address, out var reason))
        {
            return reason switch
            {
                "NoServingEndpoint" => ("NoEndpoint", "no endpoint of the Service is ready"),
                "NoEligibleNode" => ("Nobody", "no node may own it"),
                "announceFailed" => ("Nobody", "no node has one of the interfaces that the pool names"),
                "AddressNotInPool" => ("Nobody", "it is in no pool of the configuration"),
                "AddressNotAnnounced" => ("Nobody", "it is the address of a node or a gateway"),
                _ => ("Nobody", reason),
            };
        }

        if (speakers.LastWords[address].Select(static voice => voice.Node).FirstOrDefault() is { } silent)
        {
            return ("Unknown", $"the speaker of {silent} announced it last, and its Lease is not renewed any more");
        }

        return speakers.Nodes.Any(static node => node.Untold > 0)
            ? ("Unknown", "there are more addresses than Leases have room for; ask the speakers: kubectl lb status")
            : ("Nobody", speakers.Nodes.Any(static node => node.Speaker == "Alive") ? "no speaker says that it announces it" : "no speaker is alive");
    }

    private bool IsSplit(IpAddress address, Voice[] owners, ILookup<(string Node, string Link), string[]> subnets)
    {
        if (!owners.Any(one => owners.Any(other => one.Node != other.Node && NetworksOf(one).Intersect(NetworksOf(other)).Any())))
        {
            twice.Remove(address);
            return false;
        }

        twice.TryAdd(address, time.GetTimestamp());
        return time.GetElapsedTime(twice[address]) > Lateness;

        IEnumerable<string> NetworksOf(Voice voice) => subnets[(voice.Node, voice.What.Link)].SelectMany(static networks => networks);
    }

    private static string NetworkOf(string prefix) => IpPrefix.TryParse(prefix, out var parsed) ? parsed.Range.ToString() : prefix;
}
