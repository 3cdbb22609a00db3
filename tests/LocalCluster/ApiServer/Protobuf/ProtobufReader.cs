using System.Buffers.Binary;

namespace LoadBalancer.LocalCluster.ApiServer.Protobuf;

/// <summary>Walks the fields of a protobuf message (protobuf.dev, "Encoding").</summary>
public ref struct ProtobufReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>The next field: a number for scalar wire types, the content for length-delimited ones. False at the end.</summary>
    /// <exception cref="FormatException">The message is cut short or has a wire type that is not used.</exception>
    public bool Next(out int number, out ulong? scalar, out ReadOnlySpan<byte> content)
    {
        number = 0;
        scalar = null;
        content = default;
        if (_rest.IsEmpty)
            return false;
        var tag = Varint();
        number = (int)(tag >> 3);
        switch (tag & 7)
        {
            case 0:
                scalar = Varint();
                break;
            case 1:
                scalar = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case 2:
                content = Take(checked((int)Varint()));
                break;
            case 5:
                scalar = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                break;
            default:
                throw new FormatException($"protobuf wire type {tag & 7} is not used by Kubernetes");
        }

        return true;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
            throw new FormatException("unexpected EOF in a protobuf message");
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = Take(1)[0];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
                return value;
        }

        throw new FormatException("a protobuf number is too long");
    }
}
