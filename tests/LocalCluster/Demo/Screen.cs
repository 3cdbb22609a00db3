namespace LoadBalancer.LocalCluster.Demo;

/// <summary>What the demo shows: a line for each step, with blocks of quoted output between them. Colour only on a terminal.</summary>
internal sealed class Screen
{
    private const int OutcomeColumn = 50;
    private readonly bool _terminal = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("NO_COLOR") is null or "";
    private bool _block;

    internal void Title(string text) => Console.WriteLine($"\n{Style("1", text)}\n");

    /// <summary>Does a step: its title while it works, its outcome when it is done.</summary>
    internal async Task StepAsync(string title, Func<Task<string>> work)
    {
        if (_block)
        {
            Console.WriteLine();
            _block = false;
        }

        if (_terminal)
        {
            Console.Write($"  {Style("33", "…")} {title}");
        }

        string? outcome = null;
        try
        {
            outcome = await work();
        }
        finally
        {
            string mark = outcome is null ? Style("31", "✗") : Style("32", "✓");
            string back = _terminal ? "\r" : "";
            Console.WriteLine($"{back}  {mark} {$"{title} ".PadRight(OutcomeColumn)}{Style("2", outcome ?? "failed")}");
        }
    }

    /// <summary>A command and what it wrote.</summary>
    internal void Quote(string prompt, string output)
    {
        Console.WriteLine($"\n      {Style("36", prompt)}");
        foreach (string line in output.TrimEnd().Split('\n'))
        {
            Console.WriteLine($"      {line.TrimEnd()}");
        }

        _block = true;
    }

    /// <summary>What explains the step above.</summary>
    internal void Note(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            Console.WriteLine($"      {Style("2", line)}");
        }
    }

    internal static void Line(string text = "") => Console.WriteLine($"  {text}");

    private string Style(string code, string text) => _terminal ? $"\u001b[{code}m{text}\u001b[0m" : text;
}
