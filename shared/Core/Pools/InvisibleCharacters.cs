using System.Globalization;
using System.Text;

namespace LoadBalancer.Core.Pools;

/// <summary>
/// Characters that look like a blank or like nothing at all and are neither: texts pasted from a web page, a chat or a word processor have
/// them, and what is wrong with such a text cannot be seen.
/// </summary>
public static class InvisibleCharacters
{
    private static readonly string[] ControlNames =
    [
        "NULL", "START OF HEADING", "START OF TEXT", "END OF TEXT", "END OF TRANSMISSION", "ENQUIRY", "ACKNOWLEDGE", "BELL", "BACKSPACE",
        "CHARACTER TABULATION", "LINE FEED", "LINE TABULATION", "FORM FEED", "CARRIAGE RETURN", "SHIFT OUT", "SHIFT IN", "DATA LINK ESCAPE",
        "DEVICE CONTROL ONE", "DEVICE CONTROL TWO", "DEVICE CONTROL THREE", "DEVICE CONTROL FOUR", "NEGATIVE ACKNOWLEDGE",
        "SYNCHRONOUS IDLE", "END OF TRANSMISSION BLOCK", "CANCEL", "END OF MEDIUM", "SUBSTITUTE", "ESCAPE", "INFORMATION SEPARATOR FOUR",
        "INFORMATION SEPARATOR THREE", "INFORMATION SEPARATOR TWO", "INFORMATION SEPARATOR ONE",
    ];

    /// <summary>The names of the Unicode character database, as far as such characters are met in practice.</summary>
    private static readonly Dictionary<int, string> Names = new()
    {
        [0x7F] = "DELETE",
        [0x85] = "NEXT LINE",
        [0xA0] = "NO-BREAK SPACE",
        [0xAD] = "SOFT HYPHEN",
        [0x34F] = "COMBINING GRAPHEME JOINER",
        [0x61C] = "ARABIC LETTER MARK",
        [0x115F] = "HANGUL CHOSEONG FILLER",
        [0x1160] = "HANGUL JUNGSEONG FILLER",
        [0x1680] = "OGHAM SPACE MARK",
        [0x180E] = "MONGOLIAN VOWEL SEPARATOR",
        [0x2000] = "EN QUAD",
        [0x2001] = "EM QUAD",
        [0x2002] = "EN SPACE",
        [0x2003] = "EM SPACE",
        [0x2004] = "THREE-PER-EM SPACE",
        [0x2005] = "FOUR-PER-EM SPACE",
        [0x2006] = "SIX-PER-EM SPACE",
        [0x2007] = "FIGURE SPACE",
        [0x2008] = "PUNCTUATION SPACE",
        [0x2009] = "THIN SPACE",
        [0x200A] = "HAIR SPACE",
        [0x200B] = "ZERO WIDTH SPACE",
        [0x200C] = "ZERO WIDTH NON-JOINER",
        [0x200D] = "ZERO WIDTH JOINER",
        [0x200E] = "LEFT-TO-RIGHT MARK",
        [0x200F] = "RIGHT-TO-LEFT MARK",
        [0x2028] = "LINE SEPARATOR",
        [0x2029] = "PARAGRAPH SEPARATOR",
        [0x202A] = "LEFT-TO-RIGHT EMBEDDING",
        [0x202B] = "RIGHT-TO-LEFT EMBEDDING",
        [0x202C] = "POP DIRECTIONAL FORMATTING",
        [0x202D] = "LEFT-TO-RIGHT OVERRIDE",
        [0x202E] = "RIGHT-TO-LEFT OVERRIDE",
        [0x202F] = "NARROW NO-BREAK SPACE",
        [0x205F] = "MEDIUM MATHEMATICAL SPACE",
        [0x2060] = "WORD JOINER",
        [0x2061] = "FUNCTION APPLICATION",
        [0x2062] = "INVISIBLE TIMES",
        [0x2063] = "INVISIBLE SEPARATOR",
        [0x2064] = "INVISIBLE PLUS",
        [0x2066] = "LEFT-TO-RIGHT ISOLATE",
        [0x2067] = "RIGHT-TO-LEFT ISOLATE",
        [0x2068] = "FIRST STRONG ISOLATE",
        [0x2069] = "POP DIRECTIONAL ISOLATE",
        [0x2800] = "BRAILLE PATTERN BLANK",
        [0x3000] = "IDEOGRAPHIC SPACE",
        [0x3164] = "HANGUL FILLER",
        [0xFE0E] = "VARIATION SELECTOR-15",
        [0xFE0F] = "VARIATION SELECTOR-16",
        [0xFEFF] = "ZERO WIDTH NO-BREAK SPACE (byte order mark)",
        [0xFFA0] = "HALFWIDTH HANGUL FILLER",
        [0xFFFE] = "NONCHARACTER",
        [0xFFFF] = "NONCHARACTER",
    };

    /// <summary>Whether nothing, or only a blank, is seen of it. The space, the tab and the ends of lines are what they look like.</summary>
    public static bool IsInvisible(Rune character) => character.Value switch
    {
        ' ' or '\t' or '\n' or '\r' => false,

        // Letters and symbols by their category, and blank all the same.
        0x34F or 0x115F or 0x1160 or 0x2800 or 0x3164 or 0xFFA0 or (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0100 and <= 0xE01EF) => true,
        _ => Rune.GetUnicodeCategory(character) is UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Format or UnicodeCategory.Control,
    };

    /// <summary>Whether it ends a line for YAML although an editor may show nothing of it.</summary>
    public static bool EndsLine(Rune character) => character.Value is 0x85 or 0x2028 or 0x2029;

    /// <summary><c>U+00A0 NO-BREAK SPACE</c>; only the number where the name is not known.</summary>
    public static string Describe(Rune character)
    {
        var name = character.Value < ControlNames.Length ? ControlNames[character.Value] : Names.GetValueOrDefault(character.Value);
        return string.Create(CultureInfo.InvariantCulture, $"U+{character.Value:X4}{(name is null ? "" : " ")}{name}");
    }

    /// <summary>What to write in its place.</summary>
    public static string Remedy(Rune character) =>
        EndsLine(character) ? "end the line with the Enter key instead"
        : Rune.GetUnicodeCategory(character) == UnicodeCategory.SpaceSeparator
            ? "type an ordinary space in its place; it was probably pasted from a formatted text"
            : "delete it, or type the line anew; it was probably pasted from a formatted text";

    /// <summary>The first invisible character of the text, or null.</summary>
    public static Rune? FirstIn(string text)
    {
        foreach (var character in text.EnumerateRunes())
        {
            if (IsInvisible(character))
            {
                return character;
            }
        }

        return null;
    }

    /// <summary>The text with each such character in words: <c>de&lt;U+200B ZERO WIDTH SPACE&gt;fault</c>.</summary>
    public static string Show(string text)
    {
        if (FirstIn(text) is null)
        {
            return text;
        }

        var shown = new StringBuilder(text.Length + 40);
        foreach (var character in text.EnumerateRunes())
        {
            shown.Append(IsInvisible(character) ? $"<{Describe(character)}>" : character.ToString());
        }

        return shown.ToString();
    }
}
