using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using LoadBalancer.Kubectl.Check;
using LoadBalancer.Kubectl.Doctor;
using LoadBalancer.Kubectl.Plan;
using LoadBalancer.Kubectl.Status;
using LoadBalancer.Kubectl.Why;

namespace LoadBalancer.Kubectl.Output;

/// <summary>The reports as JSON: camelCase, indented, absent where there is nothing to say.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(StatusReport))]
[JsonSerializable(typeof(WhyReport))]
[JsonSerializable(typeof(CheckReport))]
[JsonSerializable(typeof(PlanReport))]
[JsonSerializable(typeof(DoctorReport))]
internal sealed partial class ReportJson : JsonSerializerContext
{
    /// <summary>A report for scripts.</summary>
    public static string Write<T>(T report, JsonTypeInfo<T> type, OutputFormat format)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(report, type);
        return format == OutputFormat.Yaml ? Yaml.Of(json) : System.Text.Encoding.UTF8.GetString(json) + "\n";
    }
}
