using System.Net;
using System.Net.Sockets;

namespace LoadBalancer.LocalCluster.ApiServer.Rules;

/// <summary>
/// Numbers of a range, each given out once; the next free one after the last given comes first. The first <paramref name="set"/> of
/// them are left to those who ask for a certain number until all others are taken, as kube-apiserver does since 1.27.
/// </summary>
public sealed class NumberPool(UInt128 first, UInt128 last, uint set = 0)
{
    private readonly Lock _lock = new();
    private readonly HashSet<UInt128> _taken = [];
    private readonly UInt128 _firstOfOthers = first + set;
    private UInt128 _next = first + set;
    private UInt128 _othersTaken;

    public bool Contains(UInt128 number) => number >= first && number <= last;

    public bool TryTake(UInt128 number)
    {
        lock (_lock)
            return Add(number);
    }

    public UInt128? TakeAny()
    {
        lock (_lock)
        {
            if ((UInt128)_taken.Count > last - first)
                return null;
            var from = _othersTaken > last - _firstOfOthers ? first : _firstOfOthers;
            while (_next < from || _taken.Contains(_next))
                _next = _next >= last || _next < from ? from : _next + 1;
            var number = _next;
            Add(number);
            _next = _next == last ? from : _next + 1;
            return number;
        }
    }

    public void GiveBack(UInt128 number)
    {
        lock (_lock)
        {
            if (_taken.Remove(number) && number >= _firstOfOthers)
                _othersTaken--;
        }
    }

    private bool Add(UInt128 number)
    {
        if (!_taken.Add(number))
            return false;
        if (number >= _firstOfOthers)
            _othersTaken++;
        return true;
    }
}

/// <summary>The cluster addresses of one family: those of a prefix without its first and last.</summary>
public sealed class AddressPool
{
    private readonly NumberPool _numbers;

    public AddressPool(IPNetwork range)
    {
        Family = range.BaseAddress.AddressFamily;
        Range = range;
        var bits = (Family == AddressFamily.InterNetwork ? 32 : 128) - range.PrefixLength;
        First = ToNumber(range.BaseAddress) + 1;
        _numbers = new NumberPool(First, First + (UInt128.One << bits) - 3);
    }

    public AddressFamily Family { get; }

    public IPNetwork Range { get; }

    /// <summary>The first address of the range, which the Service <c>kubernetes</c> has.</summary>
    public UInt128 First { get; }

    public string FamilyName => Family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";

    public bool TryTake(IPAddress address) => _numbers.TryTake(ToNumber(address));

    public IPAddress? TakeAny() => _numbers.TakeAny() is { } number ? ToAddress(number) : null;

    public void GiveBack(IPAddress address) => _numbers.GiveBack(ToNumber(address));

    public IPAddress ToAddress(UInt128 number)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(Family == AddressFamily.InterNetwork ? bytes[12..] : bytes);
    }

    private static UInt128 ToNumber(IPAddress address)
    {
        UInt128 number = 0;
        foreach (var part in address.GetAddressBytes())
            number = (number << 8) | part;
        return number;
    }
}
