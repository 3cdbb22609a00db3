using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Speaker.Answering.Kernel;

/// <summary>The layouts of maps.h.</summary>
internal static class KernelMaps
{
    /// <summary>The most links that have counters.</summary>
    internal const int MaxLinks = 256;

    /// <summary>struct address: IPv4 as ::ffff:a.b.c.d.</summary>
    [InlineArray(16)]
    internal struct Address
    {
        private byte first;

        internal static Address Of(IpAddress address)
        {
            var octets = default(Address);
            if (address.Family == IpFamily.IPv6)
            {
                BinaryPrimitives.WriteUInt128BigEndian(octets, address.Value);
            }
            else
            {
                octets[10] = octets[11] = 0xFF;
                BinaryPrimitives.WriteUInt32BigEndian(((Span<byte>)octets)[12..], address.AsUInt32);
            }

            return octets;
        }

        internal readonly IpAddress Value
        {
            get
            {
                var value = BinaryPrimitives.ReadUInt128BigEndian(this);
                return value >> 32 == 0xFFFF ? IpAddress.FromUInt32((uint)value) : IpAddress.From(IpFamily.IPv6, value);
            }
        }
    }

    /// <summary>struct vip_key.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct VipKey
    {
        internal uint Link;
        internal Address Vip;
    }

    /// <summary>struct vip.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Vip
    {
        internal ulong Mac;
        internal long MutedAt;
    }

    /// <summary>struct link_state.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct LinkState
    {
        internal long Until;
        internal long Beat;
        internal long Kept;
        internal ulong Mac;
        internal uint Slot;
        internal uint Peers;
        internal Wants Wants;
        internal uint Zero;
    }

    /// <summary>WANTS_…</summary>
    [Flags]
    internal enum Wants : uint
    {
        None = 0,
        All = 1,
        Strangers = 2,
        NotOthers = 4,
    }

    /// <summary>struct hidden.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 32)]
    internal struct Hidden
    {
        internal long Foreign;
        internal long Answered;
        internal long PassedAt;
    }

    /// <summary>struct pool_key.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PoolKey
    {
        private const uint Bits = 128;

        internal uint Length;
        internal Address Address;

        internal static PoolKey Of(IpPrefix prefix) => new()
        {
            Length = Bits - (uint)(prefix.Address.BitLength - prefix.Length),
            Address = Address.Of(prefix.Network),
        };
    }

    /// <summary>struct counts.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    internal struct Counts
    {
        internal long Arp;
        internal long Ndp;
        internal long SentOn;
        internal long Muted;
        internal long Heard;
        internal long LapsedAt;
        internal long Reset;
        internal long HeldBack;
        internal long Window;
        internal long Fresh;
    }

    /// <summary>struct connection: ports in network order.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Connection
    {
        internal Address Client;
        internal Address Vip;
        internal ushort ClientPort;
        internal ushort VipPort;

        internal static Connection Of(TrackedConnection connection) => new()
        {
            Client = Address.Of(connection.Client),
            Vip = Address.Of(connection.Server),
            ClientPort = BinaryPrimitives.ReverseEndianness(connection.ClientPort),
            VipPort = BinaryPrimitives.ReverseEndianness(connection.ServerPort),
        };
    }

    /// <summary>struct peer_key.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PeerKey
    {
        internal uint Link;
        internal uint Zero;
        internal ulong Mac;
    }
}
