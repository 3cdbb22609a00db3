using System.Text;

namespace LoadBalancer.Kubectl.Output;

/// <summary>How a piece of text is meant.</summary>
internal enum Tone
{
    /// <summary>Nothing in particular.</summary>
    Plain,

    /// <summary>A heading.</summary>
    Heading,

    /// <summary>As it should be.</summary>
    Well,

    /// <summary>To be looked at.</summary>
    Notice,

    /// <summary>Wrong.</summary>
    Wrong,
}

/// <summary>Text for people: lines and tables, coloured where colour is wanted. What comes from a cluster cannot steer the terminal.</summary>
/// <param name="isColoured">Whether colours are written.</param>
internal sealed class Paper(bool isColoured)
{
    private readonly StringBuilder text = new();

    /// <summary>Whether the terminal is to be coloured: standard output is one, and <c>NO_COLOR</c> (no-color.org) is not set.</summary>
    public static bool WantsColour(bool isRedirected, Func<string, string?> environment) =>
        !isRedirected && string.IsNullOrEmpty(environment("NO_COLOR")) && environment("TERM") != "dumb";

    /// <summary>A line.</summary>
    public Paper Line(string line = "", Tone tone = Tone.Plain)
    {
        text.Append(Dye(Clean(line), tone)).Append('\n');
        return this;
    }

    /// <summary>A table with a head; columns as wide as they need to be.</summary>
    public Paper Table(IReadOnlyList<string> head, IEnumerable<(IReadOnlyList<string> Cells, Tone Tone)> rows)
    {
        var all = rows.Select(static row => (Cells: row.Cells.Select(Clean).ToArray(), row.Tone)).ToArray();
        var widths = head.Select((title, column) => all.Select(row => row.Cells[column].Length).Append(title.Length).Max()).ToArray();
        Row([.. head], widths, Tone.Heading);
        foreach (var (cells, tone) in all)
        {
            Row(cells, widths, tone);
        }

        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => text.ToString();

    private void Row(string[] cells, int[] widths, Tone tone) =>
        text.Append(Dye(string.Join("   ", cells.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd(), tone)).Append('\n');

    private string Dye(string line, Tone tone) => !isColoured || tone == Tone.Plain || line.Length == 0 ? line : tone switch
    {
        Tone.Heading => $"\e[1m{line}\e[0m",
        Tone.Well => $"\e[32m{line}\e[0m",
        Tone.Notice => $"\e[33m{line}\e[0m",
        _ => $"\e[31m{line}\e[0m",
    };

    private static string Clean(string line) => line.Any(char.IsControl) ? new string([.. line.Select(static c => char.IsControl(c) ? '?' : c)]) : line;
}
