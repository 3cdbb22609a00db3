namespace LoadBalancer.Status;

/// <summary>What a speaker tells at <c>/status</c>: its links, who is heard on them, and the addresses it has something to say about.</summary>
public sealed record SpeakerStatus
{
    /// <summary><see cref="StatusJson.ApiVersion"/>.</summary>
    public string ApiVersion { get; init; } = StatusJson.ApiVersion;

    /// <summary><see cref="StatusJson.SpeakerKind"/>.</summary>
    public string Kind { get; init; } = StatusJson.SpeakerKind;

    /// <summary>The process.</summary>
    public required ProgramStatus Program { get; init; }

    /// <summary>The node it runs on.</summary>
    public required string Node { get; init; }

    /// <summary>Whether what it knows from the API server is what that has now: its watches work.</summary>
    public required bool Current { get; init; }

    /// <summary>The pools.</summary>
    public required ConfigurationStatus Configuration { get; init; }

    /// <summary>What is wrong with the node as a place for a speaker: IPVS without strictARP, a Wi-Fi link.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The heartbeat keys; absent while there is none.</summary>
    public KeyStatus? Key { get; init; }

    /// <summary>The links.</summary>
    public IReadOnlyList<LinkStatus> Links { get; init; } = [];

    /// <summary>How many addresses of Services it knows.</summary>
    public required int Vips { get; init; }

    /// <summary>
    /// The addresses that it answers for, or that nobody owns as far as it knows. With <c>?address=</c> that one alone, whoever owns it; with
    /// <c>?all</c> every one.
    /// </summary>
    public IReadOnlyList<VipStatus> Addresses { get; init; } = [];

    /// <summary>Addresses it answers for that another host uses, too.</summary>
    public IReadOnlyList<StrangerStatus> Conflicts { get; init; } = [];

    /// <summary>Free pool addresses that another host has.</summary>
    public IReadOnlyList<StrangerStatus> Quarantined { get; init; } = [];

    /// <summary>With <c>?address=</c>: each interface of each living node in the order of preference, and whether the address may be there.</summary>
    public IReadOnlyList<CandidateStatus>? Candidates { get; init; }

    /// <summary>What it told last, the latest first.</summary>
    public IReadOnlyList<ChangeStatus> Changes { get; init; } = [];
}

/// <summary>Which heartbeat keys a speaker has. Each is told by the cluster id that is made of it, which every frame on the wire carries.</summary>
public sealed record KeyStatus
{
    /// <summary>The key it signs with: 16 hexadecimal digits.</summary>
    public required string Signing { get; init; }

    /// <summary>The keys it accepts, that one among them.</summary>
    public IReadOnlyList<string> Accepted { get; init; } = [];
}

/// <summary>One link of a node.</summary>
public sealed record LinkStatus
{
    /// <summary>The interface.</summary>
    public required string Name { get; init; }

    /// <summary>Its hardware address.</summary>
    public required string Mac { get; init; }

    /// <summary>The longest payload of a frame, in octets.</summary>
    public required int Mtu { get; init; }

    /// <summary>Whether it has a carrier.</summary>
    public required bool Carrier { get; init; }

    /// <summary>Its addresses with the length of their subnets.</summary>
    public IReadOnlyList<string> Prefixes { get; init; } = [];

    /// <summary>Who answers requests on it.</summary>
    public AnsweringStatus Answering { get; init; } = new();

    /// <summary>Whether the speaker has listened since its start and answers for what is its own.</summary>
    public required bool Serving { get; init; }

    /// <summary>Whether nothing comes in any more, so that the node gives away what it owns here.</summary>
    public bool Deaf { get; init; }

    /// <summary>Whether it hears more than half of the nodes it knows here, itself counted.</summary>
    public bool Majority { get; init; } = true;

    /// <summary>How many addresses the node owns here.</summary>
    public int Owned { get; init; }

    /// <summary>How many it answers for in place of an owner whose speaker is away.</summary>
    public int Represented { get; init; }

    /// <summary>The other speakers alive on the segment.</summary>
    public IReadOnlyList<PeerStatus> Peers { get; init; } = [];
}

/// <summary>Who answers requests on a link.</summary>
public sealed record AnsweringStatus
{
    /// <summary><c>process</c> or <c>kernel</c>.</summary>
    public string By { get; init; } = "process";

    /// <summary>Why not the kernel; absent if it does or nobody asked it to.</summary>
    public string? Why { get; init; }
}

/// <summary>A speaker as another one sees it on a link.</summary>
public sealed record PeerStatus
{
    /// <summary>Its node.</summary>
    public required string Node { get; init; }

    /// <summary>Its interface on the segment.</summary>
    public required string Link { get; init; }

    /// <summary>That interface's hardware address; absent if it was never heard.</summary>
    public string? Mac { get; init; }

    /// <summary>Wire: its frames are heard; Lease: they are not, its Lease says that it lives.</summary>
    public required string Source { get; init; }

    /// <summary>Whether it hears this node; false is one-way loss.</summary>
    public required bool HearsUs { get; init; }

    /// <summary>Whether it may own addresses.</summary>
    public required bool Ready { get; init; }

    /// <summary>Whether its speaker is away while its node lives.</summary>
    public bool Away { get; init; }

    /// <summary>Whether it is shutting down.</summary>
    public bool Leaving { get; init; }

    /// <summary>Whether it holds back after it was lost.</summary>
    public bool Holding { get; init; }

    /// <summary>Whether it sends and does not hear.</summary>
    public bool Deaf { get; init; }

    /// <summary>Whether it is in another part of the segment.</summary>
    public bool Apart { get; init; }
}

/// <summary>An address of a Service as one speaker sees it on one of its links.</summary>
public sealed record VipStatus
{
    /// <summary>The address.</summary>
    public required string Address { get; init; }

    /// <summary>Its pool; absent if it is in none.</summary>
    public string? Pool { get; init; }

    /// <summary>The Services that have it, oldest first, as namespace/name.</summary>
    public IReadOnlyList<string> Services { get; init; } = [];

    /// <summary>The link; absent for what is announced on none.</summary>
    public string? Link { get; init; }

    /// <summary>Owner, Deputy (answers in the owner's place), HandingOver (answers until another does), or Away.</summary>
    public required string Phase { get; init; }

    /// <summary>The node held to be the owner; absent if nobody is.</summary>
    public string? Owner { get; init; }

    /// <summary>The node that is represented.</summary>
    public string? For { get; init; }

    /// <summary>The hardware address it is answered with here; absent if it is not.</summary>
    public string? Mac { get; init; }

    /// <summary>Since when the phase and the owner are so; absent if longer than this speaker runs.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>
    /// Why nobody owns it, as far as this speaker hears: the reason of the Event that says so (NoServingEndpoint, NoEligibleNode,
    /// announceFailed, AddressNotInPool, AddressNotAnnounced). Another speaker may own it on another segment.
    /// </summary>
    public string? Reason { get; init; }

    /// <summary>The reason in a sentence.</summary>
    public string? Detail { get; init; }

    /// <summary>Whether any endpoint serves.</summary>
    public bool Served { get; init; }

    /// <summary>For externalTrafficPolicy Local: the nodes with a serving endpoint.</summary>
    public IReadOnlyList<string>? ServingNodes { get; init; }

    /// <summary>Whether no node has an endpoint of every Service that shares the address.</summary>
    public bool SharersApart { get; init; }

    /// <summary>Whether another node claims it too.</summary>
    public bool Contested { get; init; }

    /// <summary>A node that claims it and was found not to answer for it.</summary>
    public string? Doubts { get; init; }
}

/// <summary>An interface of a node on the segment, and whether an address may be there.</summary>
public sealed record CandidateStatus
{
    /// <summary>The address.</summary>
    public string Address { get; init; } = "";

    /// <summary>The link of the speaker that tells.</summary>
    public required string On { get; init; }

    /// <summary>The candidate.</summary>
    public required string Node { get; init; }

    /// <summary>Its interface.</summary>
    public required string Link { get; init; }

    /// <summary>None, or why not; the names are those of <c>Ineligible</c>.</summary>
    public required string Why { get; init; }
}

/// <summary>A host that is not of the cluster and uses an address of a pool.</summary>
public sealed record StrangerStatus
{
    /// <summary>The address.</summary>
    public required string Address { get; init; }

    /// <summary>The stranger's hardware address.</summary>
    public required string Mac { get; init; }

    /// <summary>The link it is heard on.</summary>
    public required string Link { get; init; }

    /// <summary>Since when, if that is known.</summary>
    public DateTimeOffset? Since { get; init; }
}
