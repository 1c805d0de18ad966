using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Gateway.Engine;

/// <summary>
/// An IPv4 or IPv6 address as 128 bits, IPv4 in its mapped form ::ffff:a.b.c.d (RFC 4291 §2.5.5.2), so that one route table
/// and one socket serve both families.
/// </summary>
/// <param name="High">The first 64 bits, most significant first.</param>
/// <param name="Low">The last 64 bits.</param>
public readonly record struct InetAddress(ulong High, ulong Low)
{
    private const ulong V4Mapped = 0x0000_FFFF_0000_0000;

    /// <summary>Bits that a prefix length of IPv4 is moved by in the mapped form.</summary>
    public const int V4PrefixOffset = 96;

    /// <summary>Whether this is an IPv4 address.</summary>
    public bool IsV4 => High == 0 && (Low & 0xFFFF_FFFF_0000_0000) == V4Mapped;

    /// <summary>Reads the 4 bytes of an IPv4 header field.</summary>
    public static InetAddress FromV4(ReadOnlySpan<byte> bytes) => new(0, V4Mapped | BinaryPrimitives.ReadUInt32BigEndian(bytes));

    /// <summary>Reads the 16 bytes of an IPv6 header field.</summary>
    public static InetAddress FromV6(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    /// <summary>Converts from the framework's type. The scope is lost.</summary>
    public static InetAddress From(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var written);
        return written == 4 ? FromV4(bytes) : FromV6(bytes);
    }

    /// <summary>Writes the 16 bytes, network order, IPv4 mapped.</summary>
    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Low);
    }

    /// <summary>Converts to the framework's type, IPv4 unmapped.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        CopyTo(bytes);
        return IsV4 ? new IPAddress(bytes[12..]) : new IPAddress(bytes);
    }

    /// <summary>Whether a prefix (in the framework's form) holds this address.</summary>
    public bool IsIn(IPNetwork prefix) => prefix.Contains(ToIPAddress());

    /// <inheritdoc/>
    public override string ToString() => ToIPAddress().ToString();
}

/// <summary>A remote UDP endpoint, and the local address that it reached us on, so that answers leave from there.</summary>
/// <param name="Address">The remote address.</param>
/// <param name="Port">The remote port, host order.</param>
/// <param name="ScopeId">The IPv6 zone (interface index) of a link-local address, else 0.</param>
/// <param name="LocalAddress">The local address that datagrams from there came to; default = let the kernel choose.</param>
/// <param name="LocalInterface">The interface index they came in on; 0 = unknown.</param>
public readonly record struct UdpEndpoint(InetAddress Address, ushort Port, uint ScopeId = 0, InetAddress LocalAddress = default, int LocalInterface = 0)
{
    /// <summary>Converts from the framework's type.</summary>
    public static UdpEndpoint From(IPEndPoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        var scope = endpoint.AddressFamily == AddressFamily.InterNetworkV6 && endpoint.Address.IsIPv6LinkLocal ? (uint)endpoint.Address.ScopeId : 0;
        return new UdpEndpoint(InetAddress.From(endpoint.Address), (ushort)endpoint.Port, scope);
    }

    /// <summary>Whether both name the same remote address and port, whatever the local side.</summary>
    public bool IsSameRemote(in UdpEndpoint other) => Port == other.Port && Address == other.Address && ScopeId == other.ScopeId;

    /// <summary>Converts to the framework's type.</summary>
    public IPEndPoint ToIPEndPoint()
    {
        var address = Address.ToIPAddress();
        if (ScopeId != 0) address.ScopeId = ScopeId;
        return new IPEndPoint(address, Port);
    }

    /// <inheritdoc/>
    public override string ToString() => ToIPEndPoint().ToString();
}
