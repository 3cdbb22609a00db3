using System.Runtime.InteropServices;

namespace LoadBalancer.Speaker.Answering.Kernel;

/// <summary>
/// What is used of libbpf (libbpf.h, bpf.h). Functions give a negative error number, or null and set errno. The library is opened when the
/// first of them is called; a machine without it has no kernel's part.
/// </summary>
internal static partial class LibBpf
{
    /// <summary>Flag of <see cref="TcOptions"/>: what is there under the same priority and handle gives way at once.</summary>
    internal const uint Replace = 1;

    /// <summary>Flag of <see cref="Update"/>: not if it is there already.</summary>
    internal const ulong OnlyNew = 1;

    internal const int AlreadyExists = -17;
    internal const int NoEntry = -2;

    private const string Library = "libbpf.so.1";

    [LibraryImport(Library, EntryPoint = "libbpf_set_print")]
    internal static partial nint SetPrint(nint function);

    [LibraryImport(Library, EntryPoint = "bpf_object__open_mem", SetLastError = true)]
    internal static partial nint OpenMemory(ReadOnlySpan<byte> elf, nuint length, nint options);

    [LibraryImport(Library, EntryPoint = "bpf_object__load")]
    internal static partial int Load(nint obj);

    [LibraryImport(Library, EntryPoint = "bpf_object__close")]
    internal static partial void Close(nint obj);

    [LibraryImport(Library, EntryPoint = "bpf_object__find_program_by_name", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint FindProgram(nint obj, string name);

    [LibraryImport(Library, EntryPoint = "bpf_program__fd")]
    internal static partial int ProgramFile(nint program);

    [LibraryImport(Library, EntryPoint = "bpf_object__find_map_by_name", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint FindMap(nint obj, string name);

    [LibraryImport(Library, EntryPoint = "bpf_map__fd")]
    internal static partial int MapFile(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__set_pin_path", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int SetPinPath(nint map, string path);

    [LibraryImport(Library, EntryPoint = "bpf_map_update_elem")]
    internal static unsafe partial int Update(int map, void* key, void* value, ulong flags);

    [LibraryImport(Library, EntryPoint = "bpf_map_lookup_elem")]
    internal static unsafe partial int Lookup(int map, void* key, void* value);

    [LibraryImport(Library, EntryPoint = "bpf_map_delete_elem")]
    internal static unsafe partial int Delete(int map, void* key);

    [LibraryImport(Library, EntryPoint = "bpf_map_get_next_key")]
    internal static unsafe partial int NextKey(int map, void* key, void* next);

    [LibraryImport(Library, EntryPoint = "bpf_tc_hook_create")]
    internal static partial int CreateHook(ref TcHook hook);

    [LibraryImport(Library, EntryPoint = "bpf_tc_attach")]
    internal static partial int Attach(in TcHook hook, ref TcOptions options);

    [LibraryImport(Library, EntryPoint = "bpf_tc_detach")]
    internal static partial int Detach(in TcHook hook, in TcOptions options);

    [LibraryImport(Library, EntryPoint = "bpf_tc_query")]
    internal static partial int Query(in TcHook hook, ref TcOptions options);

    [LibraryImport(Library, EntryPoint = "bpf_prog_test_run_opts")]
    internal static partial int TestRun(int program, ref TestRunOptions options);

    /// <summary>struct bpf_tc_hook: where on an interface.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct TcHook
    {
        private const int Ingress = 1;

        internal nuint Size;
        internal int InterfaceIndex;
        internal int Point;
        internal uint Parent;

        internal static unsafe TcHook IngressOf(int index) =>
            new() { Size = (nuint)sizeof(TcHook), InterfaceIndex = index, Point = Ingress };
    }

    /// <summary>struct bpf_tc_opts: which program, under which priority and handle.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct TcOptions
    {
        internal nuint Size;
        internal int ProgramFile;
        internal uint Flags;
        internal uint ProgramId;
        internal uint Handle;
        internal uint Priority;
    }

    /// <summary>struct bpf_test_run_opts: a frame goes through a program, and what became of it comes back.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct TestRunOptions
    {
        internal nuint Size;
        internal void* DataIn;
        internal void* DataOut;
        internal uint DataSizeIn;
        internal uint DataSizeOut;
        internal void* ContextIn;
        internal void* ContextOut;
        internal uint ContextSizeIn;
        internal uint ContextSizeOut;
        internal uint ReturnValue;
        internal int Repeat;
        internal uint Duration;
        internal uint Flags;
        internal uint Processor;
        internal uint BatchSize;
    }
}
