namespace LoadBalancer.Core.Pools;

/// <summary>A node of a configuration document with its place in the text, free of any parser's types.</summary>
/// <param name="Line">1-based line of the first character.</param>
/// <param name="Column">1-based column of the first character.</param>
public abstract record ConfigNode(int Line, int Column);

/// <summary>A scalar.</summary>
/// <param name="Line">1-based line.</param>
/// <param name="Column">1-based column.</param>
/// <param name="Value">The text, quotes removed.</param>
/// <param name="IsPlain">Whether it was written without quotes, so that it may be a boolean, a number or null.</param>
public sealed record ConfigScalar(int Line, int Column, string Value, bool IsPlain) : ConfigNode(Line, Column);

/// <summary>A list.</summary>
/// <param name="Line">1-based line.</param>
/// <param name="Column">1-based column.</param>
/// <param name="Items">The items in order.</param>
public sealed record ConfigSequence(int Line, int Column, IReadOnlyList<ConfigNode> Items) : ConfigNode(Line, Column);

/// <summary>A mapping; duplicate keys are kept so that they can be reported.</summary>
/// <param name="Line">1-based line.</param>
/// <param name="Column">1-based column.</param>
/// <param name="Entries">Keys and values in order.</param>
public sealed record ConfigMapping(int Line, int Column, IReadOnlyList<ConfigEntry> Entries) : ConfigNode(Line, Column);

/// <summary>A key of a mapping and its value.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">The value.</param>
public sealed record ConfigEntry(ConfigScalar Key, ConfigNode Value);
