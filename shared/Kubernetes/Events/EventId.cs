using System.Security.Cryptography;
using System.Text;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Events;

/// <summary>
/// What an Event is about, or what it says of it, in 16 bytes: thousands are remembered, and their texts would be most of a program's memory.
/// The first half of a SHA-256: two that differ are not the same within the life of any cluster.
/// </summary>
internal static class EventId
{
    /// <summary>Of the object.</summary>
    internal static UInt128 Of(EventTarget target) => Hash(target.ApiVersion, target.Kind, target.Key, target.Uid);

    /// <summary>Of what is said of it.</summary>
    internal static UInt128 Of(EventSubject subject) => Hash(
        subject.Target.ApiVersion, subject.Target.Kind, subject.Target.Key, subject.Target.Uid, subject.Severity.ToString(), subject.Reason, subject.Message);

    private static UInt128 Hash(string version, string kind, ObjectKey key, params ReadOnlySpan<string> texts)
    {
        // None of the texts has a line end, except a message, which is the last.
        var text = new StringBuilder(256).Append(version).Append('\n').Append(kind).Append('\n').Append(key.Namespace).Append('\n').Append(key.Name);
        foreach (var further in texts)
        {
            text.Append('\n').Append(further);
        }

        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
