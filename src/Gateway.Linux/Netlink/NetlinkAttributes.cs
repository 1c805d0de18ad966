using System.Runtime.InteropServices;
using System.Text;

namespace Gateway.Linux.Netlink;

/// <summary>Walks the attributes behind a message's fixed part; stops at the first that does not fit.</summary>
internal ref struct NetlinkAttributes(ReadOnlySpan<byte> rest)
{
    private ReadOnlySpan<byte> _rest = rest;

    /// <summary>The attribute's type, without the nested and byte-order bits (NLA_TYPE_MASK).</summary>
    public ushort Type { get; private set; }

    public ReadOnlySpan<byte> Data { get; private set; }

    public readonly uint Value => Data.Length >= 4 ? MemoryMarshal.Read<uint>(Data) : 0;

    public readonly string Text => Encoding.UTF8.GetString(Data.TrimEnd((byte)0));

    public bool Next()
    {
        if (_rest.Length < 4) return false;
        int length = MemoryMarshal.Read<ushort>(_rest);
        if (length < 4 || length > _rest.Length) return false;
        Type = (ushort)(MemoryMarshal.Read<ushort>(_rest[2..]) & 0x3FFF);
        Data = _rest[4..length];
        _rest = _rest[Math.Min((length + 3) & ~3, _rest.Length)..];
        return true;
    }
}
