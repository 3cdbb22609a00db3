namespace LoadBalancer.Speaker.Answering.Kernel;

/// <summary>Whether the kernel does its part, and if not, why.</summary>
public enum KernelState : byte
{
    /// <summary>It does.</summary>
    Active,

    /// <summary><c>--kernel off</c>.</summary>
    Off,

    /// <summary>The speaker was compiled on a machine without clang or libbpf-dev: the programs are not in it.</summary>
    NotBuilt,

    /// <summary>There is no libbpf.so.1.</summary>
    NoLibrary,

    /// <summary>The process lacks CAP_BPF or CAP_NET_ADMIN, or the kernel is locked down.</summary>
    NotPermitted,

    /// <summary>The kernel does not take the programs: it is older than 5.11, or built without them.</summary>
    NotSupported,
}

/// <summary>The states as metric labels.</summary>
public static class KernelStates
{
    /// <summary>The state in lower case with underscores.</summary>
    public static string Label(this KernelState state) => state switch
    {
        KernelState.Active => "active",
        KernelState.Off => "off",
        KernelState.NotBuilt => "not_built",
        KernelState.NoLibrary => "no_library",
        KernelState.NotPermitted => "not_permitted",
        KernelState.NotSupported => "not_supported",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "Not a state."),
    };
}
