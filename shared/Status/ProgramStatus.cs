namespace LoadBalancer.Status;

/// <summary>What both programs tell of themselves.</summary>
public sealed record ProgramStatus
{
    /// <summary>The version running, as <c>--version</c> tells it.</summary>
    public required string Version { get; init; }

    /// <summary>When the process started, by its machine's wall clock.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When this document was made, by the same clock: what <c>since</c> and <c>at</c> elsewhere in it are to be compared with.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Whether <c>/readyz</c> answers 200.</summary>
    public required bool Ready { get; init; }

    /// <summary>Of a program that is not ready: each condition that is missing, and why.</summary>
    public IReadOnlyDictionary<string, string>? Missing { get; init; }
}

/// <summary>The pool configuration as a program has it.</summary>
public sealed record ConfigurationStatus
{
    /// <summary>NotLoaded; Loaded: the ConfigMap's is in force; Stale: that is bad or gone, and an earlier one is in force.</summary>
    public required string State { get; init; }

    /// <summary>What is wrong with the ConfigMap as it is.</summary>
    public IReadOnlyList<ConfigurationProblem> Problems { get; init; } = [];
}

/// <summary>One problem of the ConfigMap.</summary>
public sealed record ConfigurationProblem
{
    /// <summary>Error or Warning.</summary>
    public required string Severity { get; init; }

    /// <summary>1-based, in the value of the ConfigMap's key.</summary>
    public required int Line { get; init; }

    /// <summary>1-based.</summary>
    public required int Column { get; init; }

    /// <summary>Where in the document: <c>address-pools[0].addresses[2]</c>.</summary>
    public required string Path { get; init; }

    /// <summary>What was found.</summary>
    public required string Message { get; init; }

    /// <summary>What would work.</summary>
    public required string Remedy { get; init; }
}

/// <summary>Something that a program told in an Event, kept in its memory: also what the API server was not there for.</summary>
public sealed record ChangeStatus
{
    /// <summary>When, by the wall clock of the program's machine.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The kind of the object it is about: Service, Node, ConfigMap.</summary>
    public required string Kind { get; init; }

    /// <summary>The object's namespace; absent for a Node.</summary>
    public string? Namespace { get; init; }

    /// <summary>The object's name.</summary>
    public required string Name { get; init; }

    /// <summary>Normal or Warning.</summary>
    public required string Type { get; init; }

    /// <summary>The Event's reason.</summary>
    public required string Reason { get; init; }

    /// <summary>For people.</summary>
    public required string Message { get; init; }
}
