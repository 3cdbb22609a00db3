namespace LoadBalancer.Core.Ownership;

/// <summary>Where a peer stands, as this node sees it.</summary>
internal enum PeerState
{
    /// <summary>No run of it was heard that could be believed; or its last one was given up, and another has only just proved itself.</summary>
    Unconfirmed,

    /// <summary>Its frames come in, and it serves.</summary>
    Alive,

    /// <summary>It served, and its frames are overdue. Its kernel has been asked and has not answered yet.</summary>
    Silent,

    /// <summary>Its node lives and its speaker does not serve: it says so, or is silent while the kernel answers. What it claims is its own.</summary>
    Away,

    /// <summary>Neither its speaker nor its kernel is there, or its speaker was away for longer than it is looked for: what it claimed is free.</summary>
    Gone,
}

/// <summary>What the next state of a peer is made from.</summary>
/// <param name="OnWire">Whether its last frame is still good.</param>
/// <param name="Overdue">Whether the next one should have come.</param>
/// <param name="Serves">Whether it serves by its last frame, and nothing speaks against it.</param>
/// <param name="KernelAnswers">Whether its kernel answered in this silence, and lately.</param>
internal readonly record struct PeerFacts(bool OnWire, bool Overdue, bool Serves, bool KernelAnswers)
{
    /// <summary>Whether its kernel may have answered lately: frames came in that were not read yet.</summary>
    public bool MayHaveAnswered { get; init; }

    /// <summary>Whether it has been away for longer than that is put up with, and its addresses were handed over meanwhile.</summary>
    public bool PutUpWith { get; init; }
}

/// <summary>How a peer's state follows from its last and the facts.</summary>
internal static class PeerPresence
{
    /// <summary>The next state. A peer that is gone is so until a frame of it is believed.</summary>
    public static PeerState Next(PeerState state, in PeerFacts facts) => facts switch
    {
        { OnWire: true, Overdue: false } => facts.Serves ? PeerState.Alive : PeerState.Away,
        { OnWire: true, KernelAnswers: true } => PeerState.Away,
        { OnWire: true } => state == PeerState.Alive ? PeerState.Silent : state,
        _ when state is PeerState.Unconfirmed or PeerState.Gone => state,
        { PutUpWith: true } => PeerState.Gone,
        _ => facts.KernelAnswers || facts.MayHaveAnswered ? PeerState.Away : PeerState.Gone,
    };
}
