namespace LoadBalancer.Kubectl.Why;

/// <summary>What <c>kubectl lb why</c> answers; also its JSON. Within the version fields are added only.</summary>
internal sealed record WhyReport
{
    /// <summary>The version of the format.</summary>
    public string ApiVersion { get; init; } = "kubectl-lb.loadbalancer/v1";

    /// <summary>Always Why.</summary>
    public string Kind { get; init; } = "Why";

    /// <summary>The Service, as namespace/name.</summary>
    public required string Service { get; init; }

    /// <summary>Whether it is reached as it asks for.</summary>
    public required bool Well { get; init; }

    /// <summary>The chain from the Service to the wire.</summary>
    public required IReadOnlyList<Step> Steps { get; init; }

    /// <summary>In one sentence.</summary>
    public required string Verdict { get; init; }

    /// <summary>The next command.</summary>
    public required string Next { get; init; }
}

/// <summary>One line of the chain.</summary>
/// <param name="Name">Which link of it: Service, Pools, Address, Endpoints, Candidates, Owner, Wire, Unread.</param>
/// <param name="State">Well, Note or Wrong.</param>
/// <param name="Text">What is so, and why.</param>
internal sealed record Step(string Name, string State, string Text)
{
    /// <summary>As it should be.</summary>
    public const string WellState = "Well";

    /// <summary>Said for completeness.</summary>
    public const string NoteState = "Note";

    /// <summary>The chain ends or suffers here.</summary>
    public const string WrongState = "Wrong";

    /// <summary>As it should be.</summary>
    public static Step Well(string name, string text) => new(name, WellState, text);

    /// <summary>Said for completeness.</summary>
    public static Step Note(string name, string text) => new(name, NoteState, text);

    /// <summary>The chain ends or suffers here.</summary>
    public static Step Wrong(string name, string text) => new(name, WrongState, text);
}
