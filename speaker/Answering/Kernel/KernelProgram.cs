using System.Runtime.InteropServices;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Speaker.Links;
using static LoadBalancer.Speaker.Answering.Kernel.KernelMaps;

namespace LoadBalancer.Speaker.Answering.Kernel;

/// <summary>
/// ingress.bpf.c in the kernel, with its maps. What it is attached to keeps it when this process ends; it answers then until the fence, and
/// is inert after it. From any thread.
/// </summary>
internal sealed unsafe class KernelProgram : IDisposable
{
    /// <summary>After all others on the interface: tc takes the lowest priority first.</summary>
    internal const uint Priority = 0xFFFF;

    /// <summary>By which a speaker knows the program of another run: "LB".</summary>
    internal const uint Handle = 0x4C42;

    private const string Resource = "ingress.bpf.o";
    private const int NotPermitted = 1;
    private const int AccessDenied = 13;

    // What is needed to go on where the former run was.
    private static readonly string[] Kept = ["lb_here", "lb_formers"];

    private readonly nint obj;
    private readonly nint counts;
    private readonly nint hidden;
    private readonly int pools;
    private readonly int asked;
    private readonly int links;
    private readonly int vips;
    private readonly int peers;
    private readonly int formers;
    private readonly int here;

    private KernelProgram(nint obj)
    {
        this.obj = obj;
        here = MapFile("lb_here");
        File = LibBpf.ProgramFile(LibBpf.FindProgram(obj, "lb_ingress"));
        Filter = LibBpf.ProgramFile(LibBpf.FindProgram(obj, "lb_filter"));
        pools = MapFile("lb_pools");
        asked = MapFile("lb_asked");
        links = MapFile("lb_links");
        vips = MapFile("lb_vips");
        peers = MapFile("lb_peers");
        formers = MapFile("lb_formers");
        counts = LibC.MapShared(MapFile("lb_counts"), MaxLinks * sizeof(Counts));
        hidden = LibC.MapShared(MapFile("lb_hidden"), MaxLinks * sizeof(Hidden));
    }

    /// <summary>The program's file descriptor.</summary>
    internal int File { get; }

    /// <summary>The file descriptor of the filter of packet sockets (filter.h).</summary>
    internal int Filter { get; }

    /// <summary>Loads it.</summary>
    /// <param name="pins">A folder of a BPF file system where the connections are found again by the next run; null for none.</param>
    /// <param name="problem">Why not, for the log.</param>
    /// <returns>The program, or null; then why.</returns>
    internal static (KernelProgram? Program, KernelState State) TryLoad(string? pins, out string problem)
    {
        problem = "";
        using var stream = typeof(KernelProgram).Assembly.GetManifestResourceStream(Resource);
        if (stream is null)
        {
            problem = "the programs are not in this build; what would work: clang and libbpf-dev on the machine that compiles it";
            return (null, KernelState.NotBuilt);
        }

        var elf = new byte[stream.Length];
        stream.ReadExactly(elf);
        try
        {
            LibBpf.SetPrint(0);
            return TryLoad(elf, pins, out problem);
        }
        catch (DllNotFoundException)
        {
            problem = "libbpf.so.1 is not installed; what would work: Debian's libbpf1";
            return (null, KernelState.NoLibrary);
        }
    }

    private static (KernelProgram?, KernelState) TryLoad(byte[] elf, string? pins, out string problem)
    {
        var obj = LibBpf.OpenMemory(elf, (nuint)elf.Length, 0);
        if (obj == 0)
        {
            return Refused(Marshal.GetLastPInvokeError(), out problem);
        }

        string[] files = pins is null ? [] : [.. Kept.Select(name => Path.Combine(pins, name))];
        foreach (var file in files)
        {
            _ = LibBpf.SetPinPath(LibBpf.FindMap(obj, Path.GetFileName(file)), file);
        }

        if (LibBpf.Load(obj) is var error and < 0)
        {
            LibBpf.Close(obj);
            if (!files.Any(Path.Exists))
            {
                return Refused(-error, out problem);
            }

            // Another version's, with another layout, perhaps.
            Array.ForEach(files, System.IO.File.Delete);
            return TryLoad(elf, pins, out problem);
        }

        try
        {
            problem = "";
            return (new KernelProgram(obj), KernelState.Active);
        }
        catch (IOException e)
        {
            LibBpf.Close(obj);
            problem = e.Message;
            return (null, KernelState.NotSupported);
        }
    }

    private static (KernelProgram?, KernelState) Refused(int error, out string problem)
    {
        var text = Marshal.GetPInvokeErrorMessage(error);
        if (error is NotPermitted or AccessDenied)
        {
            problem = $"the kernel does not let this process load programs ({text}); what would work: the capabilities BPF and NET_ADMIN";
            return (null, KernelState.NotPermitted);
        }

        problem = $"the kernel does not take the programs ({text}); what would work: Linux 5.11 or later with BPF";
        return (null, KernelState.NotSupported);
    }

    /// <summary>Puts it at the ingress of an interface, in the place of the one of a former run.</summary>
    /// <returns>Zero, or a negative error number.</returns>
    internal int Attach(int index)
    {
        var hook = LibBpf.TcHook.IngressOf(index);
        if (LibBpf.CreateHook(ref hook) is var created and < 0 && created != LibBpf.AlreadyExists)
        {
            return created;
        }

        var options = Options() with { ProgramFile = File, Flags = LibBpf.Replace };
        return LibBpf.Attach(hook, ref options);
    }

    /// <summary>Which program is where this one is put; 0 for none.</summary>
    internal static uint Attached(int index)
    {
        var options = Options();
        return LibBpf.Query(LibBpf.TcHook.IngressOf(index), ref options) == 0 ? options.ProgramId : 0;
    }

    /// <summary>Takes away what is where this one is put, from this run or another. What others have at the interface stays.</summary>
    internal static int Detach(int index) => LibBpf.Detach(LibBpf.TcHook.IngressOf(index), Options());

    /// <summary>The counters of a slot, as they are at this moment.</summary>
    internal ref Counts CountsOf(uint slot) => ref ((Counts*)counts)[slot];

    /// <summary>What was hidden from the process on a slot's link, as it is at this moment.</summary>
    internal ref Hidden HiddenOf(uint slot) => ref ((Hidden*)hidden)[slot];

    internal int SetPool(IpPrefix prefix)
    {
        var key = PoolKey.Of(prefix);
        uint value = 1;
        return LibBpf.Update(pools, &key, &value, 0);
    }

    internal int RemovePool(IpPrefix prefix)
    {
        var key = PoolKey.Of(prefix);
        return Forgiving(LibBpf.Delete(pools, &key));
    }

    /// <summary>When an address was last asked for by a request that was hidden, in nanoseconds of the boot clock; 0 if it was not.</summary>
    internal long AskedAt(int index, IpAddress vip)
    {
        var key = Key(index, vip);
        long at;
        return LibBpf.Lookup(asked, &key, &at) == 0 ? at : 0;
    }

    internal int SetLink(int index, LinkState state) => LibBpf.Update(links, &index, &state, 0);

    internal int RemoveLink(int index) => Forgiving(LibBpf.Delete(links, &index));

    internal int SetVip(int index, IpAddress vip, MacAddress mac)
    {
        var key = Key(index, vip);
        var value = new Vip { Mac = mac.Value };
        return LibBpf.Update(vips, &key, &value, 0);
    }

    internal int RemoveVip(int index, IpAddress vip)
    {
        var key = Key(index, vip);
        return Forgiving(LibBpf.Delete(vips, &key));
    }

    internal int SetPeer(int index, MacAddress mac)
    {
        var key = new PeerKey { Link = (uint)index, Mac = mac.Value };
        ulong value = 1;
        return LibBpf.Update(peers, &key, &value, 0);
    }

    internal int RemovePeer(int index, MacAddress mac)
    {
        var key = new PeerKey { Link = (uint)index, Mac = mac.Value };
        return Forgiving(LibBpf.Delete(peers, &key));
    }

    internal int SetFormer(int index, IpAddress vip, MacAddress mac)
    {
        var key = Key(index, vip);
        var value = mac.Value;
        return LibBpf.Update(formers, &key, &value, 0);
    }

    internal int RemoveFormer(int index, IpAddress vip)
    {
        var key = Key(index, vip);
        return Forgiving(LibBpf.Delete(formers, &key));
    }

    /// <summary>A connection began here, if nothing is known of it yet.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="closed">When it was used last since the client has closed it, on the boot clock; 0 for an open one.</param>
    internal int SetHere(TrackedConnection connection, long closed = 0)
    {
        var key = Connection.Of(connection);
        return LibBpf.Update(here, &key, &closed, LibBpf.OnlyNew) is var result && result == LibBpf.AlreadyExists ? 0 : result;
    }

    /// <summary>When a connection that began here was used last since the client has closed it; 0 for an open one; null if it is not known.</summary>
    internal long? ClosedAt(TrackedConnection connection)
    {
        var key = Connection.Of(connection);
        long closed;
        return LibBpf.Lookup(here, &key, &closed) == 0 ? closed : null;
    }

    /// <summary>The former owners on a link, as this run or the one before left them.</summary>
    internal Dictionary<IpAddress, MacAddress> FormersOf(int index)
    {
        var found = new Dictionary<IpAddress, MacAddress>();
        VipKey key, next;
        ulong mac;
        for (var at = (VipKey*)null; LibBpf.NextKey(formers, at, &next) == 0; at = &key)
        {
            key = next;
            if (key.Link == (uint)index && LibBpf.Lookup(formers, &key, &mac) == 0)
            {
                found[key.Vip.Value] = new MacAddress(mac);
            }
        }

        return found;
    }

    /// <summary>Lets go of it; where it is attached it stays.</summary>
    public void Dispose()
    {
        LibC.Unmap(counts, MaxLinks * sizeof(Counts));
        LibC.Unmap(hidden, MaxLinks * sizeof(Hidden));
        LibBpf.Close(obj);
    }

    private static VipKey Key(int index, IpAddress vip) => new() { Link = (uint)index, Vip = Address.Of(vip) };

    private static int Forgiving(int result) => result == LibBpf.NoEntry ? 0 : result;

    private static LibBpf.TcOptions Options() =>
        new() { Size = (nuint)sizeof(LibBpf.TcOptions), Handle = Handle, Priority = Priority };

    /// <summary>The file descriptor of a map.</summary>
    internal int MapFile(string name) => LibBpf.MapFile(LibBpf.FindMap(obj, name));
}
