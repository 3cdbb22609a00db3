using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace LoadBalancer.Testing;

/// <summary>
/// Where an asynchronous method waits. Its stack is not on any thread: it is in the fields of the compiler's state machines, each of which
/// holds what it awaits.
/// </summary>
internal static partial class WaitingPlace
{
    private const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
    private const int Deepest = 60;

    /// <summary>The asynchronous methods from the outermost to the one that waits, and what for; the test framework's own are left out.</summary>
    public static string Of(Task task)
    {
        var lines = new List<string>();
        Follow(task, lines, []);
        return $"It waits:{string.Concat(lines.Select(line => $"{Environment.NewLine}  {line}"))}";
    }

    private static void Follow(object awaited, List<string> lines, HashSet<object> seen)
    {
        if (awaited is Task { IsCompleted: true } || !seen.Add(awaited) || seen.Count > Deepest)
        {
            return;
        }

        if (StateMachineOf(awaited) is not { } machine)
        {
            lines.Add($"for {awaited.GetType().Name}");
            foreach (var inner in TasksIn(awaited))
            {
                Follow(inner, lines, seen);
            }

            return;
        }

        if (machine.GetType().Namespace?.StartsWith("Xunit", StringComparison.Ordinal) != true)
        {
            lines.Add($"in {NameOf(machine.GetType())}");
        }

        var next = AwaitedBy(machine).ToList();
        next.ForEach(inner => Follow(inner, lines, seen));
        if (next.Count == 0)
        {
            lines.Add("on a thread: it runs, or blocks");
        }
    }

    private static object? StateMachineOf(object awaited) => FieldsOf(awaited.GetType())
        .Where(field => field.Name == "StateMachine").Select(field => field.GetValue(awaited)).FirstOrDefault(machine => machine is IAsyncStateMachine);

    // A state machine sets an awaiter back to its default when the wait is over: what is there is being waited for.
    private static IEnumerable<object> AwaitedBy(object machine) => FieldsOf(machine.GetType())
        .Where(field => field.Name.StartsWith("<>u__", StringComparison.Ordinal))
        .Select(field => Unwrapped(field.GetValue(machine), 4)).OfType<object>();

    // TaskAwaiter.m_task, ValueTaskAwaiter._value._obj and their likes.
    private static object? Unwrapped(object? awaiter, int depth) => awaiter switch
    {
        null or string => null,
        Task => awaiter,
        ValueType when depth > 0 => FieldsOf(awaiter.GetType()).Where(field => !field.FieldType.IsPrimitive)
            .Select(field => Unwrapped(field.GetValue(awaiter), depth - 1)).FirstOrDefault(found => found is not null),
        ValueType => null,
        _ => awaiter,
    };

    // What the tasks of the library wait for: WhenAll, WaitAsync, ContinueWith, Unwrap.
    private static IEnumerable<Task> TasksIn(object awaited) => FieldsOf(awaited.GetType())
        .Where(field => field.DeclaringType != typeof(Task) && !field.FieldType.IsPrimitive)
        .SelectMany(field => field.GetValue(awaited) switch
        {
            Task task => [task],
            Task?[] tasks => tasks.OfType<Task>(),
            _ => [],
        });

    private static IEnumerable<FieldInfo> FieldsOf(Type type)
    {
        for (var at = type; at is not null; at = at.BaseType)
        {
            foreach (var field in at.GetFields(Fields))
            {
                yield return field;
            }
        }
    }

    // Some.Tests+<Subject_Condition_Outcome>d__7 is Some.Tests.Subject_Condition_Outcome.
    private static string NameOf(Type machine) => GeneratedName().Replace(machine.FullName ?? machine.Name, ".$1").Replace('+', '.');

    [GeneratedRegex(@"\+<(.+)>d(__\d+)?.*$")]
    private static partial Regex GeneratedName();
}
