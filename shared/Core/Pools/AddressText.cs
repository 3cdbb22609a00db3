using System.Buffers;
using System.Globalization;
using System.Numerics;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Pools;

/// <summary>What one entry of <c>addresses</c> or <c>reserved</c> came to.</summary>
/// <param name="Range">The addresses, or null if the entry is refused.</param>
/// <param name="Message">What is wrong, or questionable if there is a range; null if nothing is.</param>
/// <param name="Remedy">What would be right.</param>
internal readonly record struct AddressReading(IpRange? Range, string? Message, string Remedy);

/// <summary>Reads a CIDR (<c>192.168.1.0/24</c>) or a range (<c>192.168.1.240-192.168.1.250</c>, spaces allowed around the dash).</summary>
internal static class AddressText
{
    private const string Example = "write a CIDR such as 192.168.1.240/28 or a range such as 192.168.1.240-192.168.1.250";

    /// <summary>Hyphens, dashes and the minus sign that word processors and web pages put in the place of '-'.</summary>
    private static readonly SearchValues<char> OtherDashes = SearchValues.Create("\u2010\u2011\u2012\u2013\u2014\u2212");

    /// <summary>Reads an entry.</summary>
    /// <param name="text">The entry as written.</param>
    /// <param name="singleAllowed">
    /// Whether one address may stand alone. Not in <c>addresses</c>, where MetalLB refuses it too: it is as often a cut-off range.
    /// </param>
    public static AddressReading Read(string text, bool singleAllowed)
    {
        text = text.Trim();
        if (text.Length == 0)
        {
            return Refuse("the entry is empty", Example);
        }

        if (text.AsSpan().IndexOfAny(',', ';') >= 0)
        {
            return Refuse($"'{Short(text)}' has more than one entry", "make each CIDR or range an item of its own");
        }

        if (text.AsSpan().ContainsAny(OtherDashes))
        {
            return Refuse($"the dash in '{Short(text)}' is not a '-'", "type the dash as a plain '-'; it was probably pasted from a formatted text");
        }

        return text.Contains('-') ? ReadRange(text)
            : text.Contains('/') ? ReadPrefix(text)
            : ReadSingle(text, singleAllowed);
    }

    private static AddressReading ReadSingle(string text, bool allowed)
    {
        if (!IpAddress.TryParse(text, out var address))
        {
            return Refuse($"'{Short(text)}' is neither a CIDR nor a range", WhyNot(text) ?? Example);
        }

        return allowed
            ? new AddressReading(new IpRange(address, address), null, "")
            : Refuse($"'{Short(text)}' has neither a prefix length nor a '-'",
                string.Create(CultureInfo.InvariantCulture, $"write {address}/{address.BitLength} for this one address"));
    }

    private static AddressReading ReadPrefix(string text)
    {
        var slash = text.IndexOf('/');
        var (addressText, lengthText) = (text[..slash].Trim(), text[(slash + 1)..].Trim());
        if (!IpAddress.TryParse(addressText, out var address))
        {
            return Refuse($"'{Short(addressText)}' in '{Short(text)}' is not an IP address", WhyNot(addressText) ?? Example);
        }

        if (!int.TryParse(lengthText, NumberStyles.None, CultureInfo.InvariantCulture, out var length))
        {
            return Refuse(
                lengthText.Length == 0 ? $"'{Short(text)}' has no prefix length" : $"'{Short(lengthText)}' in '{Short(text)}' is not a prefix length",
                MaskAsLength(lengthText) is { } bits
                    ? string.Create(CultureInfo.InvariantCulture, $"write {address}/{bits}")
                    : PrefixLengths(address));
        }

        if (length > address.BitLength)
        {
            return Refuse($"the prefix length of '{Short(text)}' is above {address.BitLength}", PrefixLengths(address));
        }

        var prefix = new IpPrefix(address, length);
        return prefix.HasHostBits
            ? new AddressReading(prefix.Range, $"'{Short(text)}' has host bits set; it is read as {prefix.Network}-{prefix.Last}",
                string.Create(CultureInfo.InvariantCulture, $"write {prefix.Network}/{length}, or a range if fewer addresses were meant"))
            : new AddressReading(prefix.Range, null, "");
    }

    private static AddressReading ReadRange(string text)
    {
        var ends = text.Split('-', StringSplitOptions.TrimEntries);
        if (ends.Length != 2)
        {
            return Refuse($"'{Short(text)}' has more than one '-'", "write a range as first-last, and each range as an item of its own");
        }

        if (ends[0].Length == 0 || ends[1].Length == 0)
        {
            return Refuse($"the range '{Short(text)}' has no {(ends[0].Length == 0 ? "start" : "end")}", "write a range as first-last");
        }

        if (text.Contains('/'))
        {
            return Refuse($"'{Short(text)}' is a CIDR and a range at once", "write either a CIDR or a range of two addresses without '/'");
        }

        if (!IpAddress.TryParse(ends[0], out var first))
        {
            return Refuse($"the start '{Short(ends[0])}' of the range is not an IP address", WhyNot(ends[0]) ?? Example);
        }

        if (!IpAddress.TryParse(ends[1], out var last))
        {
            return Refuse($"the end '{Short(ends[1])}' of the range is not an IP address",
                WholeEnd(ends[0], ends[1]) is { } whole ? $"write both addresses in full: {first}-{whole}" : WhyNot(ends[1]) ?? Example);
        }

        if (first.Family != last.Family)
        {
            return Refuse($"the range '{Short(text)}' starts in {first.Family} and ends in {last.Family}", "write one range for each family");
        }

        return first > last
            ? Refuse($"the range '{Short(text)}' starts after its end", $"write {last}-{first}")
            : new AddressReading(new IpRange(first, last), null, "");
    }

    private static AddressReading Refuse(string message, string remedy) => new(null, message, remedy);

    private static string Short(string text) => ConfigFields.Shorten(text);

    private static string PrefixLengths(IpAddress address) => string.Create(CultureInfo.InvariantCulture,
        $"an {address.Family} prefix length is 0 to {address.BitLength}: write for example {address}/{(address.BitLength == 32 ? 24 : 120)}");

    /// <summary><c>1.2.3.4-50</c> as other tools write it: the end's last number alone.</summary>
    private static string? WholeEnd(string start, string end)
    {
        var whole = start[..(start.LastIndexOf('.') + 1)] + end;
        return !start.Contains(':') && end.All(char.IsAsciiDigit) && IpAddress.TryParse(whole, out _) ? whole : null;
    }

    private static int? MaskAsLength(string text)
    {
        if (!IpAddress.TryParse(text, out var mask) || mask.Family != IpFamily.IPv4)
        {
            return null;
        }

        var ones = BitOperations.LeadingZeroCount(~mask.AsUInt32);
        return mask.AsUInt32 << ones == 0 || ones == 32 ? ones : null;
    }

    /// <summary>Why a text that looks like an address is none, as a remedy; null if it does not look like one.</summary>
    private static string? WhyNot(string text)
    {
        if (text.Contains('%'))
        {
            return "leave out the zone after '%': a Service's address is the same on every link";
        }

        if (text.Contains(':'))
        {
            return text.Contains('.') && text.Contains("ffff", StringComparison.OrdinalIgnoreCase)
                ? "write the IPv4 address itself, not its IPv6-mapped form"
                : "an IPv6 address has up to eight groups of hexadecimal digits, such as fd00:96::1";
        }

        var parts = text.Split('.');
        if (parts.Length < 2 || !parts.All(part => part.All(char.IsAsciiDigit)))
        {
            return null;
        }

        if (parts.Length != 4 || parts.Any(part => part.Length == 0))
        {
            return "an IPv4 address has four numbers, such as 192.168.1.240";
        }

        return parts.FirstOrDefault(part => part.TrimStart('0').Length > 3 || int.Parse(part, CultureInfo.InvariantCulture) > 255) is { } high
            ? $"{Short(high)} is above 255, the highest number in an IPv4 address"
            : $"leave out the leading zeros, which some programs read as octal: {string.Join('.', parts.Select(part => int.Parse(part, CultureInfo.InvariantCulture)))}";
    }
}
