using System.Runtime.InteropServices;

namespace Gateway.Engine.Drops;

/// <summary>What is counted together: whose packets, to where, and why they were dropped.</summary>
/// <param name="High">The destination's network, its first half.</param>
/// <param name="Low">Its second half.</param>
/// <param name="PeerIndex">The peer; negative = none is known.</param>
/// <param name="PrefixLength">Of the destination's network, by its own family; 0 = the packet names no destination.</param>
/// <param name="Reason">Why.</param>
internal readonly record struct DropKey(ulong High, ulong Low, int PeerIndex, byte PrefixLength, byte Reason)
{
    public uint Hash()
    {
        var mixed = ((High * 0x9E37_79B9_7F4A_7C15) ^ Low ^ ((ulong)(uint)PeerIndex << 32) ^ ((ulong)Reason << 8) ^ PrefixLength) * 0xD6E8_FEB8_6659_FD93;
        return (uint)(mixed >> 32);
    }
}

/// <summary>
/// One kind of drop in native memory. Written by the half's one thread; others copy it and believe the copy if <see cref="Sequence"/> was even
/// and has not moved (a seqlock).
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = Bytes)]
internal unsafe struct DropEntry
{
    public const int Bytes = 256;

    /// <summary>Room for IPv6 with a full TCP header, or IPv4 and what an ICMP error quotes.</summary>
    public const int MaxSampleBytes = 128;

    /// <summary>Odd while being written.</summary>
    public uint Sequence;
    /// <summary>The next entry in the same bucket; 0 = none.</summary>
    public int BucketNext;
    /// <summary>The list from the longest to the most recently seen.</summary>
    public int Previous, Next;
    public DropKey Key;
    public long Packets, FirstSeen, LastSeen, SampledAt;
    public int SampleBytes, SampleOriginalBytes;
    public fixed byte Sample[MaxSampleBytes];
}
