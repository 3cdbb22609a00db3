using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json.Serialization;
using k8s.Models;

namespace LoadBalancer.LocalCluster.ApiServer.Schemas;

/// <summary>Reads the schema of a kind off the official client's typed model of it.</summary>
public static class ModelSchemas
{
    private static readonly ConcurrentDictionary<Type, SchemaType> Known = new()
    {
        [typeof(string)] = new(SchemaShape.Text, "string"),
        [typeof(byte[])] = new(SchemaShape.Bytes, "[]uint8"),
        [typeof(int)] = new(SchemaShape.Int32, "int32"),
        [typeof(long)] = new(SchemaShape.Int64, "int64"),
        [typeof(double)] = new(SchemaShape.Double, "float64"),
        [typeof(bool)] = new(SchemaShape.Bool, "bool"),
        [typeof(DateTime)] = new(SchemaShape.Time, "Time"),
        [typeof(IntOrString)] = new(SchemaShape.IntOrString, "IntOrString"),
        [typeof(ResourceQuantity)] = new(SchemaShape.Quantity, "Quantity"),
        [typeof(object)] = new(SchemaShape.Any, ""),
    };

    private static readonly SchemaType MicroTime = new(SchemaShape.MicroTime, "MicroTime");

    // The models have one type for Time and MicroTime; the server refuses a MicroTime that has not exactly six digits.
    private static readonly HashSet<string> MicroTimes = new(StringComparer.Ordinal)
        { "LeaseSpec.acquireTime", "LeaseSpec.renewTime", "Event.eventTime", "EventSeries.lastObservedTime" };

    public static SchemaType Of(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return Known.TryGetValue(type, out var known) ? known : Known.GetOrAdd(type, Make);
    }

    private static SchemaType Make(Type type)
    {
        if (type.IsGenericType)
        {
            var arguments = type.GetGenericArguments();
            return arguments.Length == 2
                ? new SchemaType(SchemaShape.Map, Of(arguments[1]))
                : new SchemaType(SchemaShape.List, Of(arguments[0]));
        }

        return new SchemaType(GoName(type.Name), self => FieldsOf(type, self)) { OpenApiName = $"io.k8s.api.{type.Name}" };
    }

    private static Dictionary<string, SchemaField> FieldsOf(Type type, SchemaType self)
    {
        var fields = new Dictionary<string, SchemaField>(StringComparer.Ordinal);
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name is not { } name)
                continue;
            var fieldType = MicroTimes.Contains($"{self.Name}.{name}") ? MicroTime : Of(property.PropertyType);
            fields[name] = new SchemaField(fieldType, PatchRules.For(self.Name, name));
        }

        return fields;
    }

    /// <summary><c>V1ServicePort</c> → <c>ServicePort</c>, <c>Corev1Event</c> → <c>Event</c>, <c>V2HorizontalPodAutoscaler</c> likewise.</summary>
    private static string GoName(string name)
    {
        var i = name.IndexOf("v1", StringComparison.Ordinal);
        if (i > 0 && name.Length > i + 2 && char.IsUpper(name[i + 2]))
            return name[(i + 2)..];
        if (name.Length < 2 || name[0] != 'V' || !char.IsDigit(name[1]))
            return name;
        i = 2;
        while (i < name.Length && !char.IsUpper(name[i]))
            i++;
        return name[i..];
    }
}
