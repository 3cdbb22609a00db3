using System.Text.Json;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary><c>v1 Node</c>.</summary>
internal static class NodeJson
{
    internal static NodeResource Read(ref Utf8JsonReader reader, StringPool strings)
    {
        var meta = new ObjectMeta();
        var status = new NodeResource { Key = default };
        IReadOnlyList<string> podRanges = [];
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                meta = ObjectMeta.Read(ref reader, strings, MetaFilter.WithKeepReady);
            }
            else if (reader.ValueTextEquals("spec"u8))
            {
                podRanges = ReadPodRanges(ref reader);
            }
            else if (reader.ValueTextEquals("status"u8))
            {
                status = ReadStatus(ref reader, strings);
            }
            else
            {
                reader.Skip();
            }
        }

        return status with
        {
            Key = meta.Key,
            Uid = meta.Uid,
            ResourceVersion = meta.ResourceVersion,
            Labels = meta.Labels,
            KeepReady = KeepReady.IsSet(meta.Annotations),
            PodRanges = podRanges,
        };
    }

    private static IReadOnlyList<string> ReadPodRanges(ref Utf8JsonReader reader)
    {
        IReadOnlyList<string> ranges = [];
        var first = "";
        if (reader.EnterObject())
        {
            while (reader.NextField())
            {
                if (reader.ValueTextEquals("podCIDRs"u8))
                {
                    ranges = reader.ReadTexts();
                }
                else if (reader.ValueTextEquals("podCIDR"u8))
                {
                    first = reader.ReadText();
                }
                else
                {
                    reader.Skip();
                }
            }
        }

        return ranges.Count > 0 || first.Length == 0 ? ranges : [first];
    }

    private static NodeResource ReadStatus(ref Utf8JsonReader reader, StringPool strings)
    {
        bool ready = true, isReady = false, unavailable = false;
        IReadOnlyList<string> addresses = [];
        IReadOnlyList<IpAddress> inner = [];
        var port = 0;
        if (reader.EnterObject())
        {
            while (reader.NextField())
            {
                if (reader.ValueTextEquals("conditions"u8))
                {
                    ReadConditions(ref reader, strings, ref ready, ref isReady, ref unavailable);
                }
                else if (reader.ValueTextEquals("addresses"u8))
                {
                    (addresses, inner) = ReadAddresses(ref reader, strings);
                }
                else if (reader.ValueTextEquals("daemonEndpoints"u8))
                {
                    port = ReadKubeletPort(ref reader);
                }
                else
                {
                    reader.Skip();
                }
            }
        }

        return new NodeResource
        {
            Key = default, Ready = ready, IsReady = isReady, NetworkUnavailable = unavailable, Addresses = addresses, InternalAddresses = inner, KubeletPort = port,
        };
    }

    private static void ReadConditions(ref Utf8JsonReader reader, StringPool strings, ref bool ready, ref bool isReady, ref bool unavailable)
    {
        if (!reader.EnterArray())
        {
            return;
        }

        while (reader.NextElement())
        {
            var (type, status) = ReadPair(ref reader, strings, "type"u8, "status"u8);
            if (type == "Ready")
            {
                // Unknown is what the control plane says of a node that it does not hear; the node itself still reads True in its
                // stale copy, and two nodes with two opinions would both own its addresses. Who hears the node is measured on the wire.
                ready = status != "False";
                isReady = status == "True";
            }
            else if (type == "NetworkUnavailable")
            {
                unavailable = status == "True";
            }
        }
    }

    private static (string[] All, IpAddress[] Internal) ReadAddresses(ref Utf8JsonReader reader, StringPool strings)
    {
        var addresses = new List<string>(2);
        var inner = new List<IpAddress>(2);
        if (!reader.EnterArray())
        {
            return ([], []);
        }

        while (reader.NextElement())
        {
            var (type, address) = ReadPair(ref reader, strings, "type"u8, "address"u8);
            if (type is "InternalIP" or "ExternalIP")
            {
                addresses.Add(address);
            }

            if (type == "InternalIP" && IpAddress.TryParse(address, out var parsed))
            {
                inner.Add(parsed);
            }
        }

        return (addresses.ToArray(), inner.ToArray());
    }

    private static int ReadKubeletPort(ref Utf8JsonReader reader)
    {
        var port = 0;
        if (reader.EnterObject())
        {
            while (reader.NextField())
            {
                if (!reader.ValueTextEquals("kubeletEndpoint"u8))
                {
                    reader.Skip();
                }
                else if (reader.EnterObject())
                {
                    while (reader.NextField())
                    {
                        // Upper case in the API.
                        if (reader.ValueTextEquals("Port"u8))
                        {
                            port = reader.ReadNumber();
                        }
                        else
                        {
                            reader.Skip();
                        }
                    }
                }
            }
        }

        return port;
    }

    /// <summary>Two texts of an object, such as the type and the status of a condition; empty where absent.</summary>
    internal static (string First, string Second) ReadPair(
        ref Utf8JsonReader reader, StringPool strings, ReadOnlySpan<byte> firstName, ReadOnlySpan<byte> secondName)
    {
        string first = "", second = "";
        _ = reader.IsObject();
        while (reader.NextField())
        {
            if (reader.ValueTextEquals(firstName))
            {
                first = reader.ReadText(strings);
            }
            else if (reader.ValueTextEquals(secondName))
            {
                second = reader.ReadText(strings);
            }
            else
            {
                reader.Skip();
            }
        }

        return (first, second);
    }
}
