using System.Numerics;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Packets;

/// <summary>
/// The addresses to answer for on one link, each with the hardware address to answer with: this link's own for an owner, the
/// owner's for a deputy. Immutable; a link swaps the whole table.
/// </summary>
/// <remarks>
/// IPv4 is an open-addressed hash table in one array of 64-bit cells, at most half full: a lookup is one or two adjacent reads,
/// whether it holds one address or ten thousand, and building it is quick enough to do on every change of ownership. The hardware
/// addresses, of which there are as many as nodes, are held once.
/// </remarks>
public sealed class AnswerTable
{
    private const int SmallestSize = 8;

    // A cell is (index into macs + 1) << 32 | address; 0 is an empty cell.
    private readonly ulong[] cells;
    private readonly int shift;
    private readonly MacAddress[] macs;
    private readonly Dictionary<UInt128, MacAddress> v6;

    private AnswerTable(ulong[] cells, MacAddress[] macs, Dictionary<UInt128, MacAddress> v6, int count)
    {
        this.cells = cells;
        this.macs = macs;
        this.v6 = v6;
        shift = ShiftFor(cells);
        Count = count;
    }

    /// <summary>Answers nothing.</summary>
    public static AnswerTable Empty { get; } = Create([]);

    /// <summary>The number of addresses, of both families.</summary>
    public int Count { get; }

    /// <summary>The IPv6 addresses, in no order: the link has to be in the multicast group of each.</summary>
    public IReadOnlyCollection<UInt128> IPv6Addresses => v6.Keys;

    /// <summary>All addresses with what each is answered with, in no order.</summary>
    public IEnumerable<KeyValuePair<IpAddress, MacAddress>> All
    {
        get
        {
            foreach (var cell in cells)
            {
                if (cell != 0)
                {
                    yield return new(IpAddress.FromUInt32((uint)cell), macs[(int)(cell >> 32) - 1]);
                }
            }

            foreach (var (address, mac) in v6)
            {
                yield return new(IpAddress.From(IpFamily.IPv6, address), mac);
            }
        }
    }

    /// <summary>A table of these addresses.</summary>
    /// <exception cref="ArgumentException">
    /// An address occurs twice or is no address, or a hardware address is zero or a group address: answering with one of those would
    /// take the VIP away from everybody who hears it.
    /// </exception>
    public static AnswerTable Create(IEnumerable<KeyValuePair<IpAddress, MacAddress>> answers)
    {
        var v4 = new List<KeyValuePair<uint, MacAddress>>();
        var v6 = new Dictionary<UInt128, MacAddress>();
        foreach (var (address, mac) in answers)
        {
            if (mac.Value == 0 || mac.IsGroup)
            {
                throw new ArgumentException($"{address} cannot be answered with {mac}: no host has that hardware address.", nameof(answers));
            }

            switch (address.Family)
            {
                case IpFamily.IPv4:
                    v4.Add(new(address.AsUInt32, mac));
                    break;
                case IpFamily.IPv6:
                    if (!v6.TryAdd(address.Value, mac))
                    {
                        throw Duplicate(address);
                    }

                    break;
                default:
                    throw new ArgumentException("An answer without an address.", nameof(answers));
            }
        }

        return Build(v4, v6);
    }

    /// <summary>The hardware address to answer with for an IPv4 address in host order; false if it is not answered for.</summary>
    public bool TryGet(uint ipv4, out MacAddress mac)
    {
        var cells = this.cells;
        for (var i = Slot(ipv4, shift); ; i++)
        {
            var cell = cells[i & (cells.Length - 1)];
            if (cell == 0)
            {
                mac = default;
                return false;
            }

            if ((uint)cell == ipv4)
            {
                mac = macs[(int)(cell >> 32) - 1];
                return true;
            }
        }
    }

    /// <summary>The hardware address to answer with for an IPv6 address; false if it is not answered for.</summary>
    public bool TryGet(UInt128 ipv6, out MacAddress mac) => v6.TryGetValue(ipv6, out mac);

    /// <summary>The hardware address to answer with for an address of either family; false if it is not answered for.</summary>
    public bool TryGet(IpAddress address, out MacAddress mac) =>
        address.Family == IpFamily.IPv6 ? TryGet(address.Value, out mac)
        : address.Family == IpFamily.IPv4 ? TryGet(address.AsUInt32, out mac)
        : Missing(out mac);

    private static AnswerTable Build(List<KeyValuePair<uint, MacAddress>> v4, Dictionary<UInt128, MacAddress> v6)
    {
        var cells = new ulong[Math.Max(SmallestSize, BitOperations.RoundUpToPowerOf2((uint)v4.Count * 2))];
        var shift = ShiftFor(cells);
        var macs = new List<MacAddress>();
        var indices = new Dictionary<MacAddress, int>();
        foreach (var (address, mac) in v4)
        {
            if (!indices.TryGetValue(mac, out var index))
            {
                indices.Add(mac, index = macs.Count);
                macs.Add(mac);
            }

            Insert(cells, shift, address, index);
        }

        return new AnswerTable(cells, [.. macs], v6, v4.Count + v6.Count);
    }

    private static void Insert(ulong[] cells, int shift, uint address, int macIndex)
    {
        var i = Slot(address, shift);
        for (; cells[i & (cells.Length - 1)] != 0; i++)
        {
            if ((uint)cells[i & (cells.Length - 1)] == address)
            {
                throw Duplicate(IpAddress.FromUInt32(address));
            }
        }

        cells[i & (cells.Length - 1)] = ((ulong)(macIndex + 1) << 32) | address;
    }

    // Fibonacci hashing (Knuth, TAOCP 3, §6.4): addresses of a pool follow one another and this spreads a run of them evenly.
    private static int Slot(uint address, int shift) => (int)((address * 0x9E3779B9u) >> shift);

    private static int ShiftFor(ulong[] cells) => 32 - BitOperations.Log2((uint)cells.Length);

    private static bool Missing(out MacAddress mac)
    {
        mac = default;
        return false;
    }

    private static ArgumentException Duplicate(IpAddress address) => new($"{address} occurs twice in the table of answers.");
}
