using System.Runtime.InteropServices;

namespace Gateway.Linux.Native;

// Layouts are those of 64-bit little-endian Linux; x86-64 and arm64 agree on all of them.

/// <summary>struct iovec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoVec
{
    public void* Base;
    public nuint Length;
}

/// <summary>struct msghdr, 56 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 56)]
internal unsafe struct MsgHdr
{
    [FieldOffset(0)] public void* Name;
    [FieldOffset(8)] public uint NameBytes;
    [FieldOffset(16)] public IoVec* Vectors;
    [FieldOffset(24)] public nuint VectorCount;
    [FieldOffset(32)] public void* Control;
    [FieldOffset(40)] public nuint ControlBytes;
    [FieldOffset(48)] public int Flags;
}

/// <summary>struct mmsghdr, 64 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct MMsgHdr
{
    [FieldOffset(0)] public MsgHdr Header;
    [FieldOffset(56)] public uint Bytes;
}

/// <summary>struct cmsghdr; its data follows, the next one starts at the next multiple of 8 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct CMsgHdr
{
    [FieldOffset(0)] public nuint Length;
    [FieldOffset(8)] public int Level;
    [FieldOffset(12)] public int Type;

    /// <summary>CMSG_LEN: header and data, without padding.</summary>
    public static int LengthOf(int dataBytes) => 16 + dataBytes;

    /// <summary>CMSG_SPACE: header and data, with padding.</summary>
    public static int SpaceOf(int dataBytes) => 16 + ((dataBytes + 7) & ~7);
}

/// <summary>struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollFd
{
    public int Descriptor;
    public short Events;
    public short Returned;
}

/// <summary>struct ifreq, 40 bytes: a name and a union, of which the first 4 bytes are used here.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal unsafe struct IfReq
{
    [FieldOffset(0)] public fixed byte Name[16];
    [FieldOffset(16)] public short Flags;
    [FieldOffset(16)] public int Value;

    public void SetName(string name)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        System.Text.Encoding.UTF8.GetBytes(name.AsSpan(), bytes[..15]);
        // SAFETY: 16 bytes are copied into a field of 16 bytes.
        fixed (byte* target = Name) bytes.CopyTo(new Span<byte>(target, 16));
    }

    public string GetName()
    {
        // SAFETY: reads within the 16 bytes of the field.
        fixed (byte* source = Name)
        {
            var text = new ReadOnlySpan<byte>(source, 16);
            var end = text.IndexOf((byte)0);
            return System.Text.Encoding.UTF8.GetString(end < 0 ? text : text[..end]);
        }
    }
}
