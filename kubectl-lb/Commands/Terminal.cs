namespace LoadBalancer.Kubectl.Commands;

/// <summary>Where a command reads and writes.</summary>
/// <param name="Out">Its answer.</param>
/// <param name="Error">What is wrong with how it was used, and notes beside a document.</param>
/// <param name="In">What <c>-</c> reads.</param>
/// <param name="IsColoured">Whether its answer is coloured.</param>
/// <param name="Time">The clock.</param>
internal sealed record Terminal(TextWriter Out, TextWriter Error, TextReader In, bool IsColoured, TimeProvider Time);
