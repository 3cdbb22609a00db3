using System.Reflection;

namespace LoadBalancer.Testing;

/// <summary>How long a test may take from its constructor to the end of its disposal, where a minute is not enough or far too much.</summary>
/// <param name="seconds">The limit in seconds; that of a method outranks that of its class, and that the one of the assembly.</param>
/// <param name="because">Why it is another than <see cref="Usual"/>.</param>
[AttributeUsage(AttributeTargets.Assembly | AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class LimitAttribute(int seconds, string because) : Attribute
{
    /// <summary>The environment variable that lifts all limits where it is <c>none</c>: for runs that are to take long.</summary>
    public const string Variable = "LB_TEST_LIMITS";

    /// <summary>The limit of a test that says nothing: many times what any of them takes beside other work.</summary>
    public static readonly TimeSpan Usual = TimeSpan.FromMinutes(1);

    public TimeSpan Limit { get; } = TimeSpan.FromSeconds(seconds);

    public string Because { get; } = because;

    /// <summary>The limit of a test.</summary>
    public static TimeSpan Of(MethodInfo method, Type @class)
    {
        if (Environment.GetEnvironmentVariable(Variable) == "none")
        {
            return Timeout.InfiniteTimeSpan;
        }

        var own = method.GetCustomAttribute<LimitAttribute>() ?? @class.GetCustomAttribute<LimitAttribute>()
            ?? @class.Assembly.GetCustomAttribute<LimitAttribute>();
        return own?.Limit ?? Usual;
    }
}
